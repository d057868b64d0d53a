/**
 * Root file systems made to harm the host: each test is the attack of an advisory. The harness's canary directory must stay as it
 * is. Where the distribution's runtimes fall for it, they are listed as failing, which shows that the attack works.
 */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { addHostPrograms, helper, linkHostPrograms, noPython } from '../harness/python.js'
import { everyone, likeRunc, ours } from '../harness/runtime.js'
import { bindMount, type Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

/** Leaves the image's own /dev in place. */
const withoutDev = (spec: Spec): void => {
  spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith('/dev'))
}

const runc11 = 'runc 1.1 falls for it'
const crun18 = 'crun 1.8 falls for it'

for (const [title, target] of [
  ['an absolute link', (victim: string) => victim],
  ['a relative link', (victim: string) => `../../../../../../..${victim}`],
  ['a link through /proc', (victim: string) => `/proc/self/root${victim}`],
] as const) {
  behaviour(
    `/dev that is ${title} out of the root`,
    { runtimes: everyone, failing: { runc: runc11, crun: crun18 } },
    async (t, session) => {
      // CVE-2019-18837, CVE-2026-47766, CVE-2026-41579
      const victim = session.directory('victim')
      session.file('victim/ptmx', 'keep')
      session.bundle({
        edit: withoutDev,
        rootfs: (rootfs) => session.shellSync(`rmdir dev; ln -s ${target(victim)} dev`, rootfs),
      })
      await session.run(['run', session.id()])
      t.is(session.shellSync(`ls -A ${victim}`), 'ptmx\n')
      t.is(readFileSync(`${victim}/ptmx`, 'utf8'), 'keep')
    },
  )
}

behaviour(
  '/dev/console that is a link to a new file outside',
  { runtimes: everyone, unless: noPython, failing: { crun: crun18 } },
  async (t, session) => {
    // CVE-2026-88264
    session.bundle({
      edit: (spec) => {
        withoutDev(spec)
        spec.process.terminal = true
      },
      rootfs: (rootfs) => symlinkSync(`${session.canary}/new`, `${rootfs}/dev/console`),
    })
    await session.start(helper('terminal', ...session.commandLine(['run', session.id()])), { env: session.runtime.env })
      .finished
    t.false(existsSync(`${session.canary}/new`))
  },
)

for (const name of ['proc', 'sys']) {
  for (const [title, make] of [
    ['a link to another directory', `mkdir bad; rmdir ${name}; ln -s /bad ${name}`],
    ['a link to the root', `rmdir ${name}; ln -s . ${name}`],
  ] as const) {
    behaviour(`/${name} that is ${title} is refused`, { runtimes: likeRunc }, async (t, session) => {
      // CVE-2019-19921, CVE-2023-27561, CVE-2025-54867; runc's and youki's suites look for these words.
      session.bundle({ rootfs: (rootfs) => session.shellSync(make, rootfs) })
      const { code, message } = await session.run(['run', session.id()])
      t.is(code, 1)
      t.regex(message, /must be mounted on ordinary directory/)
    })
  }
}

for (const [title, make, failing] of [
  ['a link to a file of the image', 'ln -s /marker dev/null', { runc: runc11 }],
  ['a link to a file of procfs', 'ln -s /proc/sys/kernel/core_pattern dev/null', { runc: runc11 }],
  ['a regular file', 'echo text >dev/null', { runc: runc11 }],
  ['another device', 'mknod dev/null c 1 5', { runc: runc11 }],
  ['a directory', 'mkdir dev/null', {}],
  ['absent', 'true', {}],
] as const) {
  behaviour(
    `a path is masked although /dev/null is ${title}, or there is an error`,
    { failing },
    async (t, session) => {
      // CVE-2025-31133, CVE-2025-62161
      session.bundle({
        args: ['sh', '-c', 'head -c 100 /secret; stat -c %t:%T /secret'],
        edit: (spec) => {
          withoutDev(spec)
          spec.linux.maskedPaths = ['/secret']
        },
        rootfs: (rootfs) => session.shellSync(`echo MARKER >marker; echo SECRET >secret; ${make}`, rootfs),
      })
      const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
      const { code, stdout } = await session.run(['run', session.id()])
      if (code === 0) t.is(stdout, '1:3\n')
      else t.is(stdout, '')
      t.is(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), before)
    },
  )
}

behaviour('a false /dev/null does not catch what the process writes', { runtimes: ours }, async (t, session) => {
  // CVE-2026-88265, and the same mistake in old runc: standard streams "re-opened" on it, and its target given to the user.
  const victim = session.file('victim')
  session.bundle({
    args: ['echo', 'hello'],
    edit: (spec) => {
      withoutDev(spec)
      spec.process.user = { uid: 1000, gid: 1000 }
      spec.mounts.push({ destination: '/victim', type: 'bind', source: victim, options: ['bind'] })
    },
    rootfs: (rootfs) => {
      writeFileSync(`${rootfs}/victim`, '')
      symlinkSync('/victim', `${rootfs}/dev/null`)
    },
  })
  const run = await session.shell(`"$@" | cat`.replace('"$@"', session.commandLine(['run', session.id()]).join(' ')), {
    env: session.runtime.env,
  })
  if (run.stdout !== '') t.is(run.stdout, 'hello\n')
  t.is(session.shellSync(`stat -c '%u:%g %s' ${victim}`), '0:0 0\n')
})

behaviour(
  '/dev/console is the terminal, whatever the image has in /dev/pts',
  { runtimes: likeRunc, unless: noPython },
  async (t, session) => {
    // CVE-2025-52565
    const socket = session.path('socket')
    session.bundle({
      args: ['sh', '-c', 'stat -L -c %t /dev/console; echo word >/dev/console'],
      edit: (spec) => {
        withoutDev(spec)
        spec.process.terminal = true
      },
      rootfs: (rootfs) =>
        session.shellSync(
          'mkdir dev/pts; for n in $(seq 0 64); do ln -s /proc/sys/kernel/core_pattern dev/pts/$n; done; echo >dev/ptmx',
          rootfs,
        ),
    })
    const before = readFileSync('/proc/sys/kernel/core_pattern', 'utf8')
    const console = session.start(helper('console', socket))
    await until('the console listens', () => console.stdout() === 'ready\n')
    const { code } = await session.run(['run', '-d', '--console-socket', socket, session.id()])
    if (code === 0) {
      t.regex((await console.finished).stdout, /88\r?\nword/)
      await session.reaches('stopped')
      await session.ok(['delete', session.id()])
    }
    t.is(readFileSync('/proc/sys/kernel/core_pattern', 'utf8'), before)
  },
)

behaviour(
  'a read-only root is read-only although the image has a /proc of its own',
  { runtimes: everyone },
  async (t, session) => {
    // CVE-2026-115521
    session.bundle({
      args: ['touch', '/pwned'],
      edit: (spec) => {
        spec.root.readonly = true
        spec.mounts = spec.mounts.filter(({ destination }) => destination !== '/proc')
        Object.assign(spec.linux, { maskedPaths: [], readonlyPaths: [] })
      },
      rootfs: (rootfs) =>
        session.shellSync('mkdir -p proc/self/fd; for n in $(seq 0 99); do ln -s /tmp proc/self/fd/$n; done', rootfs),
    })
    t.not((await session.run(['run', session.id()])).code, 0)
    t.false(existsSync(`${session.cwd}/rootfs/pwned`))
  },
)

behaviour(
  'a mount point whose parent is a link out of the root is made inside',
  { runtimes: everyone },
  async (t, session) => {
    // CVE-2024-45310, CVE-2026-87766
    session.bundle({
      args: ['sh', '-c', 'grep -c " /" /proc/self/mountinfo >/dev/null'],
      edit: (spec) =>
        spec.mounts.push(
          { destination: '/link/new/place', type: 'tmpfs', source: 'tmpfs' },
          bindMount('/etc/hostname', '/link/file'),
        ),
      rootfs: (rootfs) => symlinkSync(session.canary, `${rootfs}/link`),
    })
    await session.run(['run', session.id()])
    t.is(session.shellSync(`ls -A ${session.canary}`), 'perch\nsings\n')
  },
)

behaviour(
  'a missing working directory behind a link out of the root is not made outside',
  { runtimes: everyone },
  async (t, session) => {
    session.bundle({
      edit: (spec) => (spec.process.cwd = '/link/new'),
      rootfs: (rootfs) => symlinkSync(session.canary, `${rootfs}/link`),
    })
    await session.run(['run', session.id()])
    t.is(session.shellSync(`ls -A ${session.canary}`), 'perch\nsings\n')
  },
)

for (const path of ['/proc/self/fd/N', '/proc/1/fd/N', '/proc/thread-self/fd/N', '/proc/self/fd/N/../..', '/link']) {
  behaviour(`a working directory of ${path} is never the host's`, { runtimes: ours }, async (t, session) => {
    // CVE-2024-21626: a directory that the runtime held open.
    for (let number = 0; number < 32; number++) {
      session.bundle({
        args: ['sh', '-c', 'pwd; ls'],
        edit: (spec) => (spec.process.cwd = path.replace('N', String(number))),
        rootfs: (rootfs) => symlinkSync(`/proc/self/fd/${number}`, `${rootfs}/link`),
      })
      const command = [
        'bash',
        '-ec',
        'exec 9</ 11</etc; exec "$@"',
        'bash',
        ...session.commandLine(['run', session.id()]),
      ]
      const { code, stdout } = await session.start(command, { env: session.runtime.env }).finished
      t.is(code, 1, `${number}: ${stdout}`)
      t.is(stdout, '')
    }
  })
}

behaviour('a mount whose place is a link into /proc is refused', { runtimes: ours }, async (t, session) => {
  // CVE-2025-52881: what lies over /proc/self/attr gets what is meant for the kernel.
  session.bundle({
    edit: (spec) => spec.mounts.push(bindMount(session.canary, '/door/attr')),
    rootfs: (rootfs) => symlinkSync('/proc/self', `${rootfs}/door`),
  })
  const { code, message } = await session.run(['run', session.id()])
  t.is(code, 1)
  t.regex(message, /inside \/proc/)
})

behaviour('a program that is /proc/self/exe is not the runtime', { runtimes: everyone }, async (t, session) => {
  // CVE-2019-5736
  const installed = session.runtime.command.at(-1) ?? ''
  const before = session.shellSync(`sha256sum ${installed}; stat -c '%i %Y' ${installed}`)
  for (const args of [['/proc/self/exe'], ['/script'], ['/bin/link']]) {
    session.bundle({
      args,
      rootfs: (rootfs) =>
        session.shellSync(
          `printf '#!/proc/self/exe\\n' >script; chmod +x script; ln -s /proc/self/exe bin/link`,
          rootfs,
        ),
    })
    const { stdout } = await session.run(['run', session.id()])
    t.notRegex(stdout, /gantry|runc/)
  }
  t.is(session.shellSync(`sha256sum ${installed}; stat -c '%i %Y' ${installed}`), before)
})

behaviour(
  "a created container's process is not dumpable, and its program is no file of the host",
  { runtimes: ours },
  async (t, session) => {
    // CVE-2016-9962, CVE-2019-5736, CVE-2022-0847: pages of an installed file that a container could reach.
    session.bundle({ args: ['sleep', '60'] })
    await session.ok(['create', session.id()])
    const { pid } = await session.state()
    t.regex(session.shellSync(`readlink /proc/${pid}/exe`), /^\/memfd:/)
    t.is(session.shellSync(`stat -c %u:%a /proc/${pid}/environ`), '0:400\n')
    t.is(readFileSync(`/proc/${pid}/environ`, 'utf8'), '')
    // Nor can a process beside it, who has the same id and the same capabilities, look into it.
    for (const what of ['cat /proc/1/exe', 'cat /proc/1/maps', 'cat /proc/1/environ'])
      t.regex((await session.run(['exec', session.id(), 'sh', '-c', what])).stderr, /Permission denied/, what)
    await session.ok(['delete', '--force', session.id()])
  },
)

behaviour('a hostile passwd neither hangs nor helps', { runtimes: ours }, async (t, session) => {
  // CVE-2026-47262 and relatives.
  for (const make of [
    'rm etc/passwd; mkfifo etc/passwd',
    'rm etc/passwd; ln -s /dev/zero etc/passwd',
    `rm etc/passwd; ln -s ${session.canary}/sings etc/passwd`,
    'rm etc/passwd; mkdir etc/passwd',
    'head -c 100000000 /dev/zero >etc/passwd',
    'printf "x:x:0:0:\\0:/evil:\\n:::::::\\n0:x:1000:0::relative:/bin/sh\\n" >etc/passwd',
  ]) {
    session.bundle({ args: ['sh', '-c', 'echo $HOME'], rootfs: (rootfs) => session.shellSync(make, rootfs) })
    const { code, stdout } = await session.run(['run', session.id()])
    if (code === 0) t.regex(stdout, /^\/(evil)?\n$/, make)
    else t.is(code, 1)
  }
})

behaviour(
  "nothing of the host's processes can be seen or reached",
  { runtimes: everyone, unless: noPython },
  async (t, session) => {
    session.bundle({
      args: ['sh', '-c', 'for p in /proc/[0-9]*; do cat $p/comm; ls $p/root/ >/dev/null && echo seen; done'],
      edit: addHostPrograms,
      rootfs: linkHostPrograms,
    })
    const output = await session.ok(['run', session.id()])
    t.deepEqual(output.match(/^(sh|cat)$/gm)?.length, 1)
  },
)

behaviour(
  'a directory of plain files at /proc does not catch what is written there',
  { runtimes: ours },
  async (t, session) => {
    // CVE-2019-16884
    session.bundle({
      edit: (spec) => {
        spec.mounts = [bindMount('rootfs/fake', '/proc')]
        spec.process.apparmorProfile = 'some-profile'
      },
      rootfs: (rootfs) => {
        mkdirSync(`${rootfs}/fake/self/attr/apparmor`, { recursive: true })
        writeFileSync(`${rootfs}/fake/self/attr/exec`, '')
        writeFileSync(`${rootfs}/fake/self/attr/apparmor/exec`, '')
      },
    })
    t.is((await session.run(['run', session.id()])).code, 1)
    t.is(readFileSync(`${session.cwd}/rootfs/fake/self/attr/exec`, 'utf8'), '')
    t.is(readFileSync(`${session.cwd}/rootfs/fake/self/attr/apparmor/exec`, 'utf8'), '')
  },
)
