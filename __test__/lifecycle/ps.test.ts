/** The table of `ps`: which lines of ps(1) are the container's. */
import test from 'ava'
import { processTable } from '../../src/lifecycle/ps.js'
import { fixture, inspection } from './support.js'

const container = { root: '/r', id: 'web' }

function table(stdout: string, options: readonly string[] = []) {
  const programs = { [['ps', ...(options.length > 0 ? options : ['-ef'])].join(' ')]: { stdout } }
  return processTable(fixture({ containers: { '/r': [inspection()] }, programs }).host, container, options)
}

test('lines are the container’s by their PID column, wherever that is', async (t) => {
  t.is(await table('UID PID CMD\nroot 7 init 77\nroot 77 sh\n'), 'UID PID CMD\nroot 77 sh\n')
  t.is(await table('UID   PID\na      77\nb     777\n', ['-o', 'uid,pid']), 'UID   PID\na      77\n')
  t.is(await table('  PID CMD\n    1 a\n'), '  PID CMD\n')
})

test('without a PID column none can be told', async (t) => {
  await t.throwsAsync(table('CMD\nsh\n'), { message: "couldn't find PID field in ps output" })
})
