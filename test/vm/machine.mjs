/**
 * A virtual machine that boots, runs the command of its second disk and goes off.
 *
 * qemu emulates the processor: that needs nothing of the host. One thread does it for both processors of the guest, as
 * qemu 7.2 with several crashes guests whose kernel patches its code, which it does for a CPU quota. Nothing is written to
 * the disks.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { CommandFailed } from '../../scripts/toolchain.mjs'

const program = '/usr/bin/qemu-system-x86_64'

/** Kernel parameters of a machine with cgroup v1 only. */
const v1 = ['systemd.unified_cgroup_hierarchy=0', 'systemd.legacy_systemd_cgroup_controller=1']

/** Why no machine runs here; undefined when one does. */
export function noMachine() {
  return existsSync(program) ? undefined : 'qemu-system-x86 is not installed'
}

/**
 * Boots a machine and gives each line that its command writes to `onLine`; resolves to the command's exit status, or throws
 * with the end of what the console said.
 */
export async function boot(disks, { cgroup, directory, seconds }, onLine) {
  const qemu = start(disks, cgroup, directory, ['ignore', 'pipe', 'inherit'])
  const limit = setTimeout(() => qemu.kill('SIGKILL'), seconds * 1000)
  let status
  for await (const line of createInterface({ input: qemu.stdout })) {
    const text = line.trimEnd()
    const told = /^status (\d+)$/.exec(text)
    if (told === null) {
      onLine(text)
    } else {
      status = Number(told[1])
      qemu.kill('SIGKILL')
    }
  }
  clearTimeout(limit)
  if (status !== undefined) return status
  const console = readFileSync(consoleOf(directory), 'latin1').split('\n').slice(-40).join('\n')
  throw new CommandFailed(
    `the machine did not get to the end of its command within ${seconds} s; its console:\n${console}`,
  )
}

/** Boots a machine whose command has this process's standard streams. */
export async function attach(disks, { cgroup, directory }) {
  await once(start(disks, cgroup, directory, 'inherit'), 'exit')
}

function start({ root, kernel, work }, cgroup, directory, stdio) {
  const parameters = [
    'root=/dev/nvme0n1 rw console=ttyS0 panic=-1 mitigations=off systemd.show_status=0 tsc=reliable no_timer_check',
  ]
  if (cgroup === 'v1') parameters.push(...v1)
  const command = [
    [program, '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-nic', 'none'],
    ['-machine', 'q35', '-accel', 'tcg,thread=single', '-cpu', 'max', '-smp', '2', '-m', '2048'],
    ['-kernel', kernel, '-append', parameters.join(' ')],
    ['-drive', `if=none,id=root,format=raw,file=${root},cache=unsafe,snapshot=on`],
    ['-drive', `if=none,id=work,format=raw,file=${work},cache=unsafe,snapshot=on`],
    ['-device', 'nvme,id=disks,serial=gantry'],
    ['-device', 'nvme-ns,bus=disks,nsid=1,drive=root', '-device', 'nvme-ns,bus=disks,nsid=2,drive=work'],
    ['-chardev', `file,id=console,path=${consoleOf(directory)}`, '-serial', 'chardev:console'],
    ['-chardev', 'stdio,id=command,signal=off', '-serial', 'chardev:command'],
  ].flat()
  // It ends with us, however we end.
  const env = { ...process.env, TMPDIR: directory }
  return spawn('setpriv', ['--pdeathsig', 'KILL', ...command], { stdio, env })
}

function consoleOf(directory) {
  return join(directory, 'console')
}
