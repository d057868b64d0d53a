/** A container that lies in wait for the next exec. */
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { behaviour } from '../harness/behaviour.js'
import { inContainer } from '../harness/container.js'
import { markedCgroups } from '../harness/machine.js'
import { addHostPrograms, linkHostPrograms, noHostPrograms } from '../harness/python.js'
import { likeRunc, ours } from '../harness/runtime.js'
import type { Session } from '../harness/session.js'
import type { Spec } from '../harness/spec.js'
import { until } from '../harness/until.js'

/** Executes programs in a container that spies on them, with these capabilities. Gives what the spy says. */
async function spied(session: Session, capabilities: string[], bits: readonly number[]): Promise<string> {
  const mask = bits.reduce((all, number) => all | (1 << number), 0).toString(16)
  const edit = (spec: Spec): void => {
    addHostPrograms(spec)
    spec.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities }
  }
  const rootfs = (path: string): void => {
    linkHostPrograms(path)
    copyFileSync(new URL('../harness/spy.py', import.meta.url), `${path}/spy.py`)
  }
  session.bundle({ args: ['/usr/bin/python3', '/spy.py', mask], edit, rootfs })
  const run = session.spawn(['run', session.id()])
  await until('the spy watches', () => run.stdout() === 'ready\n')
  const worker = async (): Promise<void> => {
    for (let round = 0; round < 12; round += 1) await session.ok(['exec', session.id(), 'true'])
  }
  await Promise.all([worker(), worker(), worker(), worker()])
  await session.ok(['exec', session.id(), 'touch', '/stop'])
  return (await run.finished).stdout
}

const usual = ['CAP_DAC_OVERRIDE', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID']
const usualBits = [1, 5, 6, 7]

behaviour(
  'a process of exec is seen in the container only when it has no more than the container may have',
  { runtimes: ours, unless: noHostPrograms },
  async (t, session) => {
    // CVE-2016-9962: who can trace a process that has more rights has them. Nothing keeps CAP_SYS_PTRACE from that but not seeing it.
    t.regex(await spied(session, ['CAP_SYS_PTRACE', ...usual], [19, ...usualBits]), /^ready\nsaw \d+\n$/)
  },
)

behaviour(
  'a process of exec can’t be looked into, before it is its program, without CAP_SYS_PTRACE',
  { runtimes: ours, unless: noHostPrograms },
  async (t, session) => {
    t.regex(await spied(session, usual, usualBits), /^ready\nsaw \d+\n$/)
  },
)

behaviour('a working directory that a descriptor leads to is refused', { runtimes: likeRunc }, async (t, session) => {
  // CVE-2024-21626
  const rootfs = (path: string): void => {
    for (let number = 3; number < 12; number += 1) symlinkSync(`/proc/self/fd/${number}`, `${path}/link${number}`)
  }
  await inContainer(session, { rootfs }, async (id) => {
    for (let number = 3; number < 12; number += 1) {
      for (const cwd of [`/proc/self/fd/${number}`, `/proc/self/fd/${number}/../..`, `/link${number}`]) {
        const command = session.commandLine(['exec', '--cwd', cwd, id, 'pwd'])
        const script = 'exec 3</ 4</etc 5</ 6</ 7</ 8</ 9</; exec "$@"'
        const { code, stdout } = await session.start(['bash', '-ec', script, 'bash', ...command], {
          env: session.runtime.env,
        }).finished
        t.not(code, 0, cwd)
        t.is(stdout, '', cwd)
      }
    }
  })
})

behaviour('what runs exec can’t be reached as a program', { runtimes: ours }, async (t, session) => {
  // CVE-2019-5736
  const [binary = ''] = session.runtime.command
  const hash = (): string => createHash('sha256').update(readFileSync(binary)).digest('hex')
  const before = hash()
  const rootfs = (path: string): void => {
    symlinkSync('/proc/self/exe', `${path}/bin/evil`)
    writeFileSync(`${path}/bin/script`, '#!/proc/self/exe\n')
    chmodSync(`${path}/bin/script`, 0o755)
  }
  await inContainer(session, { rootfs }, async (id) => {
    for (const argv of [['/proc/self/exe'], ['evil'], ['script'], ['/proc/thread-self/exe', 'x']]) {
      t.not((await session.run(['exec', id, ...argv])).code, 0, argv.join(' '))
    }
    // Whatever the process itself can name and change of what it was before.
    const script = 'for i in 1 2 3 4 5 6 7 8 9; do for exe in /proc/[0-9]*/exe; do (echo >$exe) 2>/dev/null; done; done'
    const attack = session.spawn(['exec', id, 'sh', '-c', script])
    for (let round = 0; round < 10; round += 1) await session.ok(['exec', id, 'true'])
    await attack.finished
  })
  t.is(hash(), before)
})

behaviour(
  'the program is looked up in the container, by the PATH that it will have',
  { runtimes: likeRunc },
  async (t, session) => {
    const rootfs = (path: string): void => {
      writeFileSync(`${path}/tmp/tool`, '#!/bin/sh\necho tool of the container\n')
      chmodSync(`${path}/tmp/tool`, 0o755)
    }
    await inContainer(session, { rootfs }, async (id) => {
      t.is(await session.ok(['exec', '--env', 'PATH=/nothing:/tmp', id, 'tool']), 'tool of the container\n')
      t.not((await session.run(['exec', '--env', 'PATH=/nothing', id, 'true'])).code, 0)
    })
  },
)

behaviour(
  'an exec that is killed leaves no process that has not become its program',
  { runtimes: ours },
  async (t, session) => {
    await inContainer(session, {}, async (id) => {
      const { pid } = await session.state()
      const [cgroup = ''] = markedCgroups(session.mark)
      const members = (): string[] =>
        readFileSync(`${cgroup}/cgroup.procs`, 'utf8')
          .trim()
          .split('\n')
          .filter((one) => one !== String(pid))
      for (let delay = 0; delay < 24; delay += 1) {
        const exec = session.spawn(['exec', id, 'sleep', '0.3'])
        await session.shell(`sleep 0.0${String(delay).padStart(2, '0')}`)
        exec.child.kill('SIGKILL')
        await exec.finished
        // One that has become its program goes on, as with runc: it is the container's.
        await until('nothing is left', () => members().length === 0)
      }
      t.is(await session.ok(['exec', id, 'echo', 'still']), 'still\n')
    })
  },
)
