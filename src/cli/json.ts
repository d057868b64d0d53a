/** JSON byte for byte as Go's encoding/json writes it: callers compare outputs with runc's. */

/** `indent`: spaces a level; none for one line. */
export function goJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent) ?? 'null'
  return text.replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
