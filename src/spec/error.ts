/** What is thrown about a config.json: it is wrong, or it asks for what we don't do yet. */

/** A document that is no valid configuration. The message is one line and names the file and each wrong field. */
export class SpecError extends Error {
  override readonly name = 'SpecError'
  /** The file; after a syntax error with the line and the column: `config.json:12:5`. */
  readonly file: string
  /** Each with its field, what was expected and what was found. */
  readonly problems: readonly string[]

  constructor(file: string, problems: readonly string[]) {
    super(`${file}: ${problems.join('; ')}`)
    this.file = file
    this.problems = problems
  }
}

/** A valid request for something that we can't do. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError'
  /** The field or option that asks for it: `linux.namespaces`. */
  readonly field: string

  constructor(field: string, reason = 'not supported yet') {
    super(`${field}: ${reason}`)
    this.field = field
  }
}

/** A document can be wrong in a thousand places, and the message is one line. */
export function firstOf(problems: readonly string[]): readonly string[] {
  const shown = 10
  if (problems.length <= shown) return problems
  return [...problems.slice(0, shown), `and ${problems.length - shown} more`]
}
