// Files in and out of a sandbox as tar archives: nothing is unpacked on this machine.
import { buffer } from 'node:stream/consumers'
import { sandbox } from 'gantry'

const box = await sandbox({ cwd: '/tmp' })
try {
  await box.exec(['sh', '-c', 'mkdir project; echo "print(6 * 7)" > project/main.py'])
  const archive = await buffer(box.fs.tar('/tmp/project'))
  await box.fs.untar('/tmp/copy', archive, { maxSize: 1 << 20 })
  const { stdout } = await box.exec(['python3', '/tmp/copy/main.py'])
  console.log(`the copy says ${stdout.trim()}`)
} finally {
  await box.destroy()
}
