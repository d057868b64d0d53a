/** What is said of a program that can't be executed: which thing is missing or wrong, in the words that callers look for. */
import { errno, errorText } from './errno.js'
import type { HostFailure } from './host/host.js'

export interface ProgramError {
  readonly code: 'ERR_EXEC_DENIED' | 'ERR_EXEC_NOT_FOUND'
  readonly text: string
  /** For people: one line. */
  readonly hint?: string
}

/** Undefined: the failure is about something else. crates/init/src/diagnosis.rs tells the causes apart. */
export function programError({ step, object, detail = '', errno: number }: HostFailure): ProgramError | undefined {
  const missing = number === errno.ENOENT
  const code = missing ? 'ERR_EXEC_NOT_FOUND' : 'ERR_EXEC_DENIED'
  const says = (text: string, hint?: string): ProgramError => ({ code, text: `exec: "${object}": ${text}`, hint })
  switch (step) {
    case 'find program':
      if (missing && !object.includes('/')) return says('executable file not found in $PATH')
      if (missing) return says(`stat ${object}: ${errorText(number)}`)
      // docker adds the last words itself, podman does not, and both tell by them that the exit status is to be 126.
      if (number === errno.EISDIR) return says('is a directory: permission denied')
      return says(errorText(number))
    case 'exec':
      return says(errorText(number))
    case 'exec from a mount with noexec':
      return says(errorText(number), 'it is on a mount with the option noexec')
    case 'find the interpreter of':
      return says(
        `interpreter ${JSON.stringify(detail)}: ${errorText(number)}`,
        detail.endsWith('\r')
          ? 'its first line ends with a carriage return: the script has the line ends of Windows'
          : 'the script’s first line names it',
      )
    case 'find the loader of':
      return says(
        `loader "${detail}": ${errorText(number)}`,
        'the program is linked to a C library that the root file system does not have',
      )
    case 'exec machine code':
      return says(`${errorText(number)}: it is for ${detail}, not for this machine`)
    case 'exec neither program nor script':
      return says(errorText(number), 'it is neither an ELF program nor a script that begins with #!')
    default:
      return undefined
  }
}
