/** A program that can't be executed: the message says which thing is missing. */
import { chmodSync, closeSync, copyFileSync, existsSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { inContainer } from '../harness/container.js'
import { ours } from '../harness/runtime.js'
import { bindMount, type Spec } from '../harness/spec.js'

const foreign = process.arch === 'arm64' ? { number: 62, name: 'x86_64' } : { number: 183, name: 'aarch64' }

function prepare(rootfs: string): void {
  const files: Readonly<Record<string, string>> = {
    'no-interpreter': '#!/usr/bin/absent -x\n',
    windows: '#!/bin/sh\r\necho hello\r\n',
    'interpreter-denied': '#!/etc/passwd\n',
    notes: 'These are only notes.\n',
    looped: '#!/bin/looped\n',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(`${rootfs}/bin/${name}`, text)
  copyFileSync('/bin/ls', `${rootfs}/bin/dynamic`)
  copyFileSync(`${rootfs}/bin/busybox`, `${rootfs}/bin/foreign`)
  const file = openSync(`${rootfs}/bin/foreign`, 'r+')
  writeSync(file, Uint8Array.of(foreign.number, 0), 0, 2, 18)
  closeSync(file)
  for (const name of [...Object.keys(files), 'dynamic', 'foreign']) chmodSync(`${rootfs}/bin/${name}`, 0o755)
}

const cases: readonly [program: string, message: RegExp][] = [
  ['no-interpreter', /^exec: "\/bin\/no-interpreter": interpreter "\/usr\/bin\/absent": no such file or directory\n$/],
  ['windows', /^exec: "\/bin\/windows": interpreter "\/bin\/sh\\r": no such file or directory\n$/],
  ['interpreter-denied', /^exec: "\/bin\/interpreter-denied": interpreter "\/etc\/passwd": permission denied\n$/],
  ['notes', /^exec: "\/bin\/notes": exec format error\n$/],
  ['dynamic', /^exec: "\/bin\/dynamic": loader "\/lib[^"]*": no such file or directory\n$/],
  [
    'foreign',
    new RegExp(`^exec: "/bin/foreign": exec format error: it is for ${foreign.name}, not for this machine\n$`),
  ],
  ['/bin/looped', /^exec: "\/bin\/looped": /],
  ['/noexec/true', /^exec: "\/noexec\/true": permission denied\n$/],
]

/** Above the file systems of the container, where nothing may be executed. */
function withoutExec(spec: Spec): void {
  spec.mounts.push(bindMount(`${spec.root.path}/bin`, '/noexec', 'noexec'))
}

behaviour(
  'exec says what of the program is missing or wrong',
  { runtimes: ours, unless: existsSync('/bin/ls') ? undefined : '/bin/ls is missing' },
  async (t, session) => {
    await inContainer(session, { rootfs: prepare, edit: withoutExec }, async (id) => {
      for (const [program, message] of cases) {
        const { code, stderr } = await session.run(['exec', '--env', 'PATH=/bin', id, program])
        t.is(code, 255, program)
        t.regex(stderr, message)
      }
    })
  },
)

behaviour('run and start say so too, also under a seccomp filter', { runtimes: ours }, async (t, session) => {
  for (const [program, message] of cases) {
    const edit = (spec: Spec): void => {
      withoutExec(spec)
      spec.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW' }
    }
    session.bundle({ args: [program], rootfs: prepare, edit })
    const run = await session.run(['run', session.id()])
    t.is(run.code, 1, program)
    t.regex(run.stderr.replaceAll('/usr/local/sbin', '/bin'), message)
  }
  session.bundle({ args: ['/bin/windows'], rootfs: prepare })
  await session.ok(['create', session.id()])
  const { code, stderr } = await session.run(['start', session.id()])
  t.is(code, 1)
  t.regex(stderr, /interpreter "\/bin\/sh\\r"/)
  await session.ok(['delete', '--force', session.id()])
})
