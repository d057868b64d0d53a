/** Signals by name and number (signal(7)), as on x86 and arm. */
import { GantryError } from '../errors.js'

const names =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM ' +
  'PROF WINCH IO PWR SYS'

const synonyms: Readonly<Record<string, string>> = { IOT: 'ABRT', POLL: 'IO', CLD: 'CHLD' }

/** What the C library leaves of the real-time signals to programs. */
const realTime = { first: 34, last: 64 }

/** `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3`, `SIGRTMAX-1`. 0 only asks whether there is a process. */
export function signalNumber(text: string): number {
  if (/^[0-9]+$/.test(text) && Number(text) <= realTime.last) return Number(text)
  const name = text.toUpperCase().replace(/^SIG/, '')
  const number = names.split(' ').indexOf(synonyms[name] ?? name) + 1
  return number > 0 ? number : realTimeNumber(name, text)
}

function realTimeNumber(name: string, text: string): number {
  const [, bound, sign, offset = '0'] = /^RT(MIN|MAX)(?:([+-])([0-9]+))?$/.exec(name) ?? []
  const base = bound === 'MIN' ? realTime.first : realTime.last
  const number = sign === '-' ? base - Number(offset) : base + Number(offset)
  if (bound === undefined || number < realTime.first || number > realTime.last) {
    throw new GantryError('ERR_INVALID_ARGUMENT', `unknown signal "${text}"`)
  }
  return number
}
