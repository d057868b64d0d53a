/** `fds`: descriptors that a program gets as they are. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { create, run, sandbox } from '../../src/index.js'
import { apiTest } from '../harness/api.js'

apiTest("fds become 3, 4, … of the program, and stay the caller's", async (t, { root, dir }) => {
  writeFileSync(`${dir}/in`, 'from a file\n')
  const input = openSync(`${dir}/in`, 'r')
  const output = openSync(`${dir}/out`, 'w')
  try {
    const { stdout } = await run(['sh', '-c', 'cat <&3; echo to a file >&4; ls /proc/self/fd | tr "\\n" " "'], {
      root,
      fds: [input, output],
    })
    t.is(stdout, 'from a file\n0 1 2 3 4 5 ', '5 is the directory that ls reads')
    writeFileSync(output, 'and ours\n')
    t.is(readFileSync(`${dir}/out`, 'utf8'), 'to a file\nand ours\n')
  } finally {
    closeSync(input)
    closeSync(output)
  }
})

apiTest('one descriptor may be given more than once, beside a terminal too', async (t, { root, dir }) => {
  const output = openSync(`${dir}/out`, 'a')
  try {
    const proc = run(['sh', '-c', 'echo one >&3; echo two >&4'], { root, fds: [output, output], tty: true })
    proc.pty?.resume()
    t.is((await proc).exitCode, 0)
    t.is(readFileSync(`${dir}/out`, 'utf8'), 'one\ntwo\n')
  } finally {
    closeSync(output)
  }
})

apiTest('exec and create take fds too', async (t, { root, dir, id, bundle }) => {
  const output = openSync(`${dir}/out`, 'a')
  try {
    await using box = await sandbox({ root, cwd: '/' })
    await box.exec(['sh', '-c', 'echo exec >&3'], { fds: [output] })
    await using container = await create(bundle(['sh', '-c', 'echo create >&3']), { root, id, fds: [output] })
    await container.start()
    await container.wait()
    t.is(readFileSync(`${dir}/out`, 'utf8'), 'exec\ncreate\n')
  } finally {
    closeSync(output)
  }
})

apiTest('fds that are none are an error, and nothing is started', async (t, { root }) => {
  for (const fds of [[-1], [0.5], [2 ** 31], new Array(513).fill(0)]) {
    await t.throwsAsync(run(['true'], { root, fds }), { code: 'ERR_INVALID_ARGUMENT', message: /^fds: / })
  }
  await t.throwsAsync(run(['true'], { root, fds: [987_654] }), { message: /pass on descriptor 987654/ })
})
