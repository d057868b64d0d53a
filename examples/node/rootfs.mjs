// A root of its own from an archive: this machine's busybox and nothing else. What it changes is gone with it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'gantry'

const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
const tar = execFileSync('tar', ['-c', '--transform', 's,.*/,bin/,', '-P', busybox], { maxBuffer: 64 << 20 })
const cache = mkdtempSync(join(tmpdir(), 'cache-'))
try {
  const { stdout } = await run(['/bin/busybox', 'sh', '-c', 'busybox mkdir /new; busybox ls /'], {
    rootfs: { tar, cache, overlay: true },
  })
  console.log(stdout.trim().split('\n').join(' '))
} finally {
  rmSync(cache, { recursive: true })
}
