/** JSON byte for byte as Go's encoding/json writes it: callers compare outputs with runc's. */
import { formatJson } from '../spec/json.js'

/** `indent`: spaces a level; none for one line. */
export function goJson(value: unknown, indent?: number): string {
  return escaped(JSON.stringify(value, undefined, indent) ?? 'null')
}

/** One line, of a value that has integers beyond the exact range of a double. */
export function goJsonLine(value: unknown): string {
  return escaped(formatJson(value))
}

function escaped(text: string): string {
  return text.replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
