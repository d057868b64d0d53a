/** The sentences that callers of an OCI runtime look for: docker, containerd, podman, CRI-O. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { errno, errorText } from '../src/errno.js'
import { type ErrorCode, errorCodes, GantryError, toGantryError } from '../src/errors.js'
import { HostFailure } from '../src/host/host.js'
import { PlanError } from '../src/plan/error.js'
import { UnsupportedError } from '../src/spec/error.js'

const failures: readonly [step: string, object: string, number: number, text: string, code: ErrorCode][] = [
  ['find container', 'x', errno.ENOENT, 'container does not exist: x', 'ERR_NOT_FOUND'],
  ['create container', 'x', errno.EEXIST, 'container with given ID already exists', 'ERR_EXISTS'],
  ['create container', '/r', errno.EACCES, 'cannot create container /r: permission denied', 'ERR_PERMISSION'],
  ['signal container', 'x', errno.ESRCH, 'container not running', 'ERR_NOT_RUNNING'],
  ['start container', 'x', errno.ESRCH, 'cannot start a container that has stopped', 'ERR_NOT_RUNNING'],
  ['start container', 'x', errno.EALREADY, 'cannot start an already running container', 'ERR_START'],
  ['start container', 'x', errno.EBUSY, 'cannot start a container in the paused state', 'ERR_PAUSED'],
  ['find program', 'foo', errno.ENOENT, 'exec: "foo": executable file not found in $PATH', 'ERR_EXEC_NOT_FOUND'],
  ['find program', '/x', errno.ENOENT, 'exec: "/x": stat /x: no such file or directory', 'ERR_EXEC_NOT_FOUND'],
  ['find program', './x', errno.ENOENT, 'exec: "./x": stat ./x: no such file or directory', 'ERR_EXEC_NOT_FOUND'],
  ['find program', '/etc', errno.EISDIR, 'exec: "/etc": is a directory: permission denied', 'ERR_EXEC_DENIED'],
  ['find program', '/x', errno.EACCES, 'exec: "/x": permission denied', 'ERR_EXEC_DENIED'],
  ['exec', '/x', errno.ENOEXEC, 'exec: "/x": exec format error', 'ERR_EXEC_DENIED'],
  ['exec', '/x', errno.ENOENT, 'exec: "/x": no such file or directory', 'ERR_EXEC_NOT_FOUND'],
  [
    'chdir to',
    '/missing',
    errno.ENOENT,
    'chdir to cwd ("/missing") set in config.json failed: no such file or directory',
    'ERR_START',
  ],
  ['mount', 'proc on /proc', errno.EPERM, 'cannot mount proc on /proc: operation not permitted', 'ERR_PERMISSION'],
  ['enter', '', errno.EINVAL, 'cannot enter: invalid argument', 'ERR_START'],
  ['start init', '', 0, 'cannot start init', 'ERR_START'],
  ['create cgroup', '/x', errno.EROFS, 'cannot create cgroup /x: read-only file system', 'ERR_CGROUP'],
  ['run prestart hook', '#0 (/h): exit status 1', 0, 'error running prestart hook #0 (/h): exit status 1', 'ERR_HOOK'],
  [
    'run poststop hook',
    '#1 (/h)',
    errno.ENOENT,
    'error running poststop hook #1 (/h): no such file or directory',
    'ERR_HOOK',
  ],
  ['write', 'uid_map', errno.EINVAL, 'cannot write uid_map: invalid argument', 'ERR_USERNS'],
]
for (const [step, object, number, text, code] of failures) {
  test(`${step} ${object} ${number}`, (t) => {
    const error = toGantryError(new HostFailure({ step, object, errno: number }))
    t.is(error.message, text)
    t.is(error.code, code)
    t.is(error.step, step)
    t.is(error.errno, number === 0 ? undefined : number)
    t.is(error.path, object === '' ? undefined : object)
  })
}

/** The rows of a table of docs/errors.md that begins with this column. */
function tableOf(column: string): string[][] {
  const text = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  const lines =
    text
      .slice(text.indexOf(`| ${column} |`))
      .split('\n\n')[0]
      ?.split('\n') ?? []
  return lines
    .slice(2)
    .filter((line) => line !== '')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}

test('docs/errors.md has all codes, and no others', (t) => {
  t.deepEqual(
    tableOf('code').map(([code]) => code),
    errorCodes.map((code) => `\`${code}\``),
  )
})

test('docs/errors.md has the sentences as they are', (t) => {
  const numbers: Readonly<Record<string, number>> = errno
  const rows = tableOf('step')
  t.true(rows.length > 20)
  for (const [step = '', name = '', object = '', detail = '', text, code] of rows) {
    const error = toGantryError(new HostFailure({ step, object, errno: numbers[name] ?? -1, detail }))
    t.deepEqual([error.message, `${error.code}`], [text, code], `${step} ${object}`)
  }
})

test('only what is missing is said to be missing: podman looks for a denial first', (t) => {
  for (const [step, object, number, text] of failures) {
    if (number !== errno.ENOENT) continue
    t.notRegex(text, /permi/, `${step} ${object}`)
  }
})

test('what is thrown above the host keeps its message', (t) => {
  t.like(toGantryError(new UnsupportedError('linux.intelRdt')), {
    code: 'ERR_UNSUPPORTED',
    message: 'linux.intelRdt: not supported yet',
  })
  t.like(toGantryError(new PlanError('userns', 'process.user.uid', 'uid 5 is not mapped')), {
    code: 'ERR_USERNS',
    message: 'process.user.uid: uid 5 is not mapped',
    path: 'process.user.uid',
  })
  const own = new GantryError('ERR_EXIT', 'x')
  t.is(toGantryError(own), own)
})

test('anything else is a defect', (t) => {
  t.like(toGantryError(new TypeError('x is not a function')), {
    code: 'ERR_INTERNAL',
    message: 'internal error: TypeError: x is not a function',
  })
  t.is(toGantryError('text').message, 'internal error: text')
})

test('errno has texts, and numbers without one are told', (t) => {
  t.is(errorText(1), 'operation not permitted')
  t.is(errorText(40), 'too many levels of symbolic links')
  t.is(errorText(114), 'operation already in progress')
  t.is(errorText(133), 'memory page has hardware error')
  t.is(errorText(41), 'unknown error 41')
  t.is(errorText(999), 'unknown error 999')
})
