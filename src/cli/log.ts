/**
 * What is told beside a command's output. Errors go to standard error, and to the log file where there is one; all else
 * only to where the log goes, and only at the level asked for: podman parses the whole file as one error.
 */
import type { GantryError } from '../errors.js'
import { type Awaitable, type Host, HostFailure } from '../host/host.js'
import { type Globals, type LogFormat, type LogLevel, logLevels } from './globals.js'

/** conmon reads standard error once, 8191 bytes at most. */
const longestLine = 8000

export interface Log {
  /** Fails when nothing can be written to it. */
  check(): Promise<void>
  tell(level: Exclude<LogLevel, 'error'>, text: string): Promise<void>
  /** The hint is for people: it is shown only on a terminal, and never with a log file. */
  error(error: GantryError): Promise<void>
}

export function openLog(host: Host, globals: Globals): Log {
  const { log, logFormat, logLevel } = globals
  const append = async (level: LogLevel, text: string, fields: Fields = {}) => {
    if (log === undefined) await host.writeError(logLine(logFormat, level, text, fields))
    else if (typeof log === 'string') await host.appendLog(log, logLine(logFormat, level, text, fields))
    else await host.sendLog({ ...log, message: { priority: priorities[level], text, fields: asTexts(fields) } })
  }
  return {
    async check() {
      if (typeof log === 'string') await host.appendLog(log, '')
      else if (log !== undefined) await host.sendLog(log)
    },
    async tell(level, text) {
      const asked = logLevels.indexOf(level) <= logLevels.indexOf(logLevel)
      // A warning is for whoever sees standard error; in a log file it would be taken for the error.
      if (asked || (level === 'warning' && log === undefined)) await append(level, oneLine(text))
    },
    async error({ message, code, step, path, errno, hint }) {
      const line = clip(oneLine(message), longestLine)
      const plain = log !== undefined || logFormat === 'text'
      if (plain) await ifPossible(() => host.writeError(`${line}\n`))
      if (log !== undefined || logFormat === 'json') {
        await ifPossible(() => append('error', line, { code, step, path, errno, hint }))
      }
      if (hint !== undefined && log === undefined && plain && host.caller.stderrIsTerminal) {
        await ifPossible(() => host.writeError(`${dim(host, `hint: ${hint}`)}\n`))
      }
    },
  }
}

/** Of syslog(3). */
const priorities: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, info: 6, debug: 7 }

/** What there is of an error beside its text. */
type Fields = Readonly<Record<string, string | number | undefined>>

function asTexts(fields: Fields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}

/** What can't be told in one place is still told in the other; and when nobody listens, the exit code says that much. */
async function ifPossible(write: () => Awaitable<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (!(error instanceof HostFailure)) throw error
  }
}

/** One record in logrus' two formats, which containerd, podman and CRI-O read. Only JSON has the fields, and where they fit in. */
export function logLine(
  format: LogFormat,
  level: LogLevel,
  text: string,
  fields: Fields = {},
  time = new Date(),
): string {
  const stamp = `${time.toISOString().slice(0, 19)}Z`
  if (format === 'json') {
    const record = { level, msg: text, time: stamp }
    const whole = JSON.stringify({ ...record, ...fields })
    return `${whole.length * 3 > longestLine ? JSON.stringify(record) : whole}\n`
  }
  return `time="${stamp}" level=${level} msg=${/^[\w./@^+-]+$/.test(text) ? text : JSON.stringify(text)}\n`
}

/** Without control characters, which would move a terminal's cursor or look like a second message. */
export function oneLine(text: string): string {
  return text.trimEnd().replace(/\p{Cc}/gu, (character) => {
    return /\s/.test(character) ? ' ' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

/** At most `bytes` bytes of UTF-8. */
function clip(text: string, bytes: number): string {
  if (text.length * 3 <= bytes) return text
  let used = 0
  let clipped = ''
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    used += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    if (used > bytes - 3) return `${clipped}…`
    clipped += character
  }
  return text
}

/** NO_COLOR (no-color.org) and terminals without colours are obeyed. */
function dim(host: Host, text: string): string {
  const { NO_COLOR, TERM } = host.caller.env
  return (NO_COLOR ?? '') !== '' || TERM === 'dumb' ? text : `\u001b[2m${text}\u001b[0m`
}
