/** Bad input: a clear message, status 1, and everything as it was. */
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { type BehaviourOptions, behaviour } from '../harness/behaviour.js'
import { fingerprint } from '../harness/leftovers.js'
import { likeRunc, ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import type { Spec } from '../harness/spec.js'

interface BadInput {
  readonly title: string
  /** Makes the input; a bundle is there already. */
  readonly make: (session: Session) => void
  /** What the message must say; runc's words where callers look for them. */
  readonly says: RegExp
  /** What ours must say besides. */
  readonly oursSays?: RegExp
  readonly options?: BehaviourOptions
  readonly argv?: (session: Session) => string[]
  /** Whether the bundle must be untouched: nothing was made in the rootfs. */
  readonly untouched?: boolean
}

const write =
  (text: string) =>
  (session: Session): void =>
    writeFileSync(`${session.cwd}/config.json`, text)

/** Changes the config, however wrong the outcome is. */
function change(edit: (spec: Spec & Record<string, unknown>) => unknown) {
  return (session: Session): void => {
    const spec = JSON.parse(readFileSync(`${session.cwd}/config.json`, 'utf8'))
    edit(spec)
    writeFileSync(`${session.cwd}/config.json`, JSON.stringify(spec, undefined, 2))
  }
}

const inputs: BadInput[] = [
  {
    title: 'a bundle that is missing',
    make: (session) => rmSync(session.cwd, { recursive: true }),
    argv: (session) => ['--bundle', session.cwd],
    says: /no such file or directory/i,
  },
  {
    title: 'a bundle without a config.json',
    make: (session) => rmSync(`${session.cwd}/config.json`),
    says: /config\.json/,
    oursSays: /no such file or directory/i,
  },
  {
    title: 'a bundle that is a file',
    make: (session) => {
      rmSync(session.cwd, { recursive: true })
      writeFileSync(session.cwd, '')
    },
    argv: (session) => ['--bundle', session.cwd],
    says: /not a directory/i,
  },
  {
    title: 'a config.json that is a directory',
    make: (session) => {
      rmSync(`${session.cwd}/config.json`)
      mkdirSync(`${session.cwd}/config.json`)
    },
    says: /is a directory/i,
  },
  {
    title: 'a config.json that is a link to itself',
    make: (session) => {
      rmSync(`${session.cwd}/config.json`)
      symlinkSync('config.json', `${session.cwd}/config.json`)
    },
    says: /too many (levels of )?symbolic links/i,
  },
  { title: 'an empty config.json', make: write(''), says: /EOF|end|JSON/i, oursSays: /config\.json/ },
  {
    title: 'half a config.json',
    make: (session) => write(readFileSync(`${session.cwd}/config.json`, 'utf8').slice(0, 300))(session),
    says: /EOF|end|JSON/i,
    oursSays: /config\.json/,
  },
  {
    title: 'JSON with a mistake, which is told with line and column',
    make: write('{\n  "ociVersion": "1.0.2",\n  "process": }\n}'),
    says: /invalid character|JSON|unexpected/i,
    oursSays: /config\.json.*(3:14|line 3.*column 14)/,
  },
  {
    title: 'a config.json that is not UTF-8',
    make: (session) => writeFileSync(`${session.cwd}/config.json`, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
    says: /./,
    oursSays: /config\.json/,
  },
  { title: 'a config.json that is an array', make: write('[]'), says: /./, oursSays: /config\.json/ },
  {
    title: 'a config.json that is null',
    make: write('null'),
    says: /./,
    oursSays: /config\.json/,
    options: { failing: { runc: 'runc 1.1 panics' } },
  },
  { title: 'JSON that is nested 100,000 deep', make: write('['.repeat(100_000)), says: /./, oursSays: /config\.json/ },
  {
    title: 'process.args that is a string',
    make: change((spec) => Object.assign(spec.process, { args: 'true' })),
    says: /args/,
    oursSays: /config\.json[\s\S]*process\.args/,
  },
  {
    title: 'process.args with a number in it',
    make: change((spec) => Object.assign(spec.process, { args: ['echo', 2] })),
    says: /args|string/,
    oursSays: /process\.args\[1\]/,
  },
  {
    title: 'no process.args',
    make: change((spec) => Object.assign(spec.process, { args: [] })),
    says: /args/,
    oursSays: /process\.args/,
  },
  { title: 'no process', make: change((spec) => Reflect.deleteProperty(spec, 'process')), says: /process/ },
  { title: 'no root', make: change((spec) => Reflect.deleteProperty(spec, 'root')), says: /root/i },
  {
    title: 'no ociVersion',
    make: change((spec) => Reflect.deleteProperty(spec, 'ociVersion')),
    says: /ociVersion/,
    options: { runtimes: ours },
  },
  {
    title: 'an ociVersion of another major version',
    make: change((spec) => Object.assign(spec, { ociVersion: '2.0.0' })),
    says: /ociVersion|2\.0\.0/,
    options: { runtimes: ours },
  },
  { title: 'process.cwd that is relative', make: change((spec) => (spec.process.cwd = 'tmp')), says: /cwd/i },
  {
    title: 'an uid that is a name',
    make: change((spec) => Object.assign(spec.process.user, { uid: 'mary' })),
    says: /uid/,
    oursSays: /process\.user\.uid/,
  },
  {
    title: 'an uid that is negative',
    make: change((spec) => (spec.process.user.uid = -1)),
    says: /uid|-1/,
    oursSays: /process\.user\.uid/,
  },
  {
    title: 'the uid 4294967295, which means no change to setresuid',
    make: change((spec) => (spec.process.user.uid = 4_294_967_295)),
    says: /uid|4294967295/i,
    options: { runtimes: ours },
  },
  {
    title: 'an uid beyond 32 bits',
    make: change((spec) => (spec.process.user.uid = 4_294_967_296)),
    says: /uid|4294967296/,
    oursSays: /process\.user\.uid/,
  },
  {
    title: 'an environment variable without =',
    make: change((spec) => spec.process.env.push('NOTHING')),
    says: /NOTHING|env/,
    options: { runtimes: ours },
  },
  {
    title: 'an environment variable with a NUL',
    make: change((spec) => spec.process.env.push('A=b\u0000c')),
    says: /env|nul|invalid/i,
  },
  {
    title: 'an argument with a NUL',
    make: change((spec) => spec.process.args.push('a\u0000b')),
    says: /NUL/,
    options: { runtimes: ours },
  },
  {
    title: 'an unknown resource limit',
    make: change((spec) => (spec.process.rlimits = [{ type: 'RLIMIT_FUN', soft: 1, hard: 1 }])),
    says: /RLIMIT_FUN/,
  },
  {
    title: 'the same resource limit twice',
    make: change((spec) => spec.process.rlimits?.push({ type: 'RLIMIT_NOFILE', soft: 1, hard: 1 })),
    says: /RLIMIT_NOFILE/,
    options: { runtimes: ours },
  },
  {
    title: 'a rootfs that is missing',
    make: (session) => rmSync(`${session.cwd}/rootfs`, { recursive: true }),
    says: /rootfs/,
    oursSays: /rootfs.*no such file or directory/i,
    untouched: false,
  },
  {
    title: 'a rootfs that is a file',
    make: (session) => {
      rmSync(`${session.cwd}/rootfs`, { recursive: true })
      writeFileSync(`${session.cwd}/rootfs`, '')
    },
    says: /not a directory|rootfs/i,
    untouched: false,
  },
  {
    title: 'an empty root.path',
    make: change((spec) => (spec.root.path = '')),
    says: /root/i,
    options: { runtimes: ours },
  },
  {
    title: 'a program that is absent',
    make: change((spec) => (spec.process.args = ['no-such-program'])),
    says: /exec: "no-such-program": executable file not found in \$PATH/,
    untouched: false,
  },
  {
    title: 'a program with a path that is absent',
    make: change((spec) => (spec.process.args = ['/no/such/program'])),
    says: /\/no\/such\/program.*no such file or directory/i,
    untouched: false,
  },
  {
    title: 'a program that is not executable',
    make: change((spec) => (spec.process.args = ['/etc/passwd'])),
    says: /\/etc\/passwd.*permission denied/i,
    untouched: false,
  },
  {
    title: 'a program that is a directory',
    make: change((spec) => (spec.process.args = ['/etc'])),
    says: /is a directory|permission denied/i,
    oursSays: /is a directory.*permission denied/i,
    untouched: false,
  },
  {
    title: 'an AppArmor profile where there is no AppArmor',
    make: change((spec) => (spec.process.apparmorProfile = 'none-such')),
    says: /apparmor/i,
    untouched: false,
  },
  {
    title: 'an SELinux label where there is no SELinux',
    make: change((spec) => (spec.process.selinuxLabel = 'a:b:c:s0')),
    says: /selinux/i,
    untouched: false,
  },
  {
    title: 'intelRdt, which is not there yet',
    make: change((spec) => (spec.linux.intelRdt = { closID: 'x' })),
    says: /linux\.intelRdt/,
    options: { runtimes: ours },
  },
  {
    title: 'net devices, which are not there yet',
    make: change((spec) => (spec.linux.netDevices = { eth9: { name: 'eth0' } })),
    says: /linux\.netDevices/,
    options: { runtimes: ours },
  },
  {
    title: 'a mount without a destination',
    make: change((spec) => Object.assign(spec, { mounts: [{ type: 'tmpfs' }] })),
    says: /mounts\[0\]\.destination/,
    options: { runtimes: ours },
  },
  { title: 'mounts that are an object', make: change((spec) => Object.assign(spec, { mounts: {} })), says: /mounts/ },
  {
    title: 'a limit that is a fraction',
    make: change((spec) => (spec.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 1.5, hard: 2 }])),
    says: /rlimits|soft|1\.5/,
  },
  {
    title: 'annotations that are not strings',
    make: change((spec) => Object.assign(spec, { annotations: { a: 1 } })),
    says: /annotations/,
  },
]

for (const { title, make, says, oursSays, options = {}, argv, untouched = true } of inputs) {
  behaviour(
    `${title}: an error of run and create, and all is as before`,
    { runtimes: likeRunc, ...options },
    async (t, session) => {
      session.bundle()
      make(session)
      const before = untouched ? print(session) : ''
      const own = session.runtime.name !== 'runc'
      for (const command of [['run'], ['run', '-d'], ['create']]) {
        const { code, stdout, message } = await session.run(
          [...command, ...(argv?.(session) ?? []), session.id()],
          argv ? { cwd: session.dir } : {},
        )
        t.deepEqual({ code, stdout }, { code: 1, stdout: '' }, message)
        t.regex(message, says)
        t.notRegex(message, /panicked|RUST_BACKTRACE|\bat .*:\d+:\d+\)|internal error/)
        if (own) t.is(message.trimEnd().split('\n').length, 1, message)
        if (own && oursSays) t.regex(message, oursSays)
        if (untouched && own) t.is(print(session), before, 'the bundle changed')
      }
    },
  )
}

function print(session: Session): string {
  try {
    return fingerprint(session.cwd)
  } catch {
    return 'missing'
  }
}

behaviour(
  'a config.json that may not be read is an error that says so',
  { runtimes: ours, unprivileged: true },
  async (t, session) => {
    session.bundle()
    chmodSync(`${session.cwd}/config.json`, 0)
    session.openToEveryone()
    const through =
      process.geteuid?.() === 0 ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : []
    const { code, message } = await session.run(['run', session.id()], { through })
    t.is(code, 1)
    t.regex(message, /config\.json.*permission denied/i)
  },
)

const ids: [id: string, valid: boolean][] = [
  ['', false],
  ['.', false],
  ['..', false],
  ['/', false],
  ['a/b', false],
  ['a/../b', false],
  ['../escape', false],
  ['a b', false],
  ['a\nb', false],
  ['é', false],
  ['a*', false],
  ['x'.repeat(256), false],
  ['x'.repeat(4096), false],
  ['.a', true],
  ['a.b_c+d-e', true],
  ['..a', true],
  ['0', true],
]

behaviour('a command about a container wants its id', {}, async (t, session) => {
  session.bundle({ args: ['sleep', '60'] })
  await session.ok(['run', '--detach', session.id()])
  for (const command of ['create', 'run', 'state', 'start', 'kill', 'delete']) {
    const { code, stdout, stderr } = await session.run([command])
    t.deepEqual({ code, stdout: session.runtime.name === 'runc' ? '' : stdout }, { code: 1, stdout: '' }, command)
    if (session.runtime.name !== 'runc') t.regex(stderr, /empty id: "\w+" requires/)
  }
  t.is((await session.state()).status, 'running')
  await session.ok(['delete', '--force', session.id()])
})

for (const [id, valid] of ids) {
  // attacks on the state directory: crun's 432a66d9
  const shown = id.length > 20 ? `${id.slice(0, 3)}… (${id.length})` : JSON.stringify(id)
  behaviour(`the id ${shown} is ${valid ? 'taken' : 'refused'}`, {}, async (t, session) => {
    session.bundle({ args: ['echo', 'hello'], edit: (spec) => (spec.linux.cgroupsPath = `/${session.id()}`) })
    const { code, stdout, message } = await session.run(['run', '--', id])
    if (valid) return void t.deepEqual({ code, stdout }, { code: 0, stdout: 'hello\n' }, message)
    t.deepEqual({ code, stdout }, { code: 1, stdout: '' })
    t.not(message, '')
    if (session.runtime.name !== 'runc' && id === '') t.regex(message, /empty id|container id cannot be empty/i)
    if (session.runtime.name !== 'runc' && id !== '' && id.length < 256)
      t.regex(message, /invalid container ID format|invalid.*id/i)
    for (const command of [['create'], ['state'], ['kill'], ['delete']])
      t.is((await session.run([...command, '--', id])).code, 1)
  })
}

behaviour('delete --force of an id that is a path removes nothing', {}, async (t, session) => {
  mkdirSync(session.root)
  for (const id of ['../canary', `${session.canary}`, '..', '.']) await session.run(['delete', '--force', '--', id])
  t.is(session.shellSync(`ls ${session.canary}`), 'perch\nsings\n')
})

behaviour('a root directory of / is refused', { runtimes: ours }, async (t, session) => {
  session.bundle()
  const { code, stdout } = await session.run(['run', session.id()], { global: ['--root', '/'] })
  t.deepEqual({ code, stdout }, { code: 1, stdout: '' })
})

behaviour("a root directory that can't be made is an error that names it", {}, async (t, session) => {
  session.bundle()
  for (const root of ['/proc/state', `${session.file('file')}/state`]) {
    const { code, message } = await session.run(['run', session.id()], { global: ['--root', root] })
    t.is(code, 1)
    if (session.runtime.name !== 'runc') t.true(message.includes(root), message)
    t.not(message, '')
  }
})
