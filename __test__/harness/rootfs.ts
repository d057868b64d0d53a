/** A root file system for test containers: a static busybox with its links, and the two files that name users. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { which } from './runtime.js'

const applets =
  'ash basename cat chmod chown chroot cmp cp cut date dd df echo env expr false find grep head hostname hostid id ifconfig ip kill ls ' +
  'mkdir mkfifo mknod mount mountpoint mv nproc ps printf pwd readlink rm rmdir sed sh sleep sort stat stty sync tail test ' +
  'touch tr true tty umount uname uniq unshare wc whoami xargs yes'

/** Why no root file system can be made here; undefined when one can. */
export const noRootfs = reasonAgainst(which('busybox'))

function reasonAgainst(busybox: string | undefined): string | undefined {
  if (busybox === undefined) return 'busybox is not installed'
  // A dynamic program names its loader near its start.
  return readFileSync(busybox).subarray(0, 4096).includes('/ld-')
    ? 'busybox is not static (install busybox-static)'
    : undefined
}

export function makeRootfs(path: string): void {
  for (const directory of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp'])
    mkdirSync(`${path}/${directory}`, { recursive: true })
  copyFileSync(which('busybox') ?? '/bin/busybox', `${path}/bin/busybox`)
  for (const applet of applets.split(' ')) symlinkSync('busybox', `${path}/bin/${applet}`)
  writeFileSync(`${path}/etc/passwd`, 'root:x:0:0:root:/root:/bin/sh\nmary:x:1000:1000:Mary:/home/mary:/bin/sh\n')
  writeFileSync(`${path}/etc/group`, 'root:x:0:\nmary:x:1000:\nstaff:x:50:mary\n')
}

/** Whether the machine has `path`; for what a test needs and may miss. */
export const present = existsSync
