/** Ids, roots, signals and paths. */
import test from 'ava'
import { fakeHost } from '../../src/host/fake.js'
import { containerRef } from '../../src/lifecycle/id.js'
import { absolutePath } from '../../src/lifecycle/paths.js'
import { containersRoot } from '../../src/lifecycle/root.js'
import { signalNumber } from '../../src/lifecycle/signals.js'

for (const id of ['web', 'a', '.a', '-x', 'A_b+c.d-e', '...', '0', 'x'.repeat(255)]) {
  test(`the id ${id.slice(0, 20)} is taken`, (t) => {
    t.deepEqual(containerRef('/r', id), { root: '/r', id })
  })
}

for (const id of [
  '.',
  '..',
  '/',
  'a/b',
  'a/../b',
  '../x',
  'a b',
  'a\n',
  '\n',
  'é',
  'a\0',
  'a%',
  'x'.repeat(256),
  'x'.repeat(4096),
]) {
  test(`the id ${JSON.stringify(id.slice(0, 20))} of ${id.length} is refused`, (t) => {
    t.throws(() => containerRef('/r', id), { message: 'invalid container ID format' })
  })
}

test('the empty id has its own words', (t) => {
  t.throws(() => containerRef('/r', ''), { message: 'empty id' })
})

const roots: readonly [given: string | undefined, env: Record<string, string>, facts: object, path: string][] = [
  [undefined, {}, { euid: 0 }, '/run/gantry'],
  [undefined, {}, { euid: 1000 }, '/run/gantry'],
  [undefined, { XDG_RUNTIME_DIR: '/run/user/0' }, { euid: 0 }, '/run/gantry'],
  [undefined, { XDG_RUNTIME_DIR: '' }, { euid: 1000 }, '/run/gantry'],
  [undefined, { XDG_RUNTIME_DIR: '/run/user/1000' }, { euid: 1000 }, '/run/user/1000/gantry'],
  [undefined, { XDG_RUNTIME_DIR: '/x' }, { euid: 0, inUserNamespace: true }, '/x/gantry'],
  [undefined, { XDG_RUNTIME_DIR: '/x', USER: 'root' }, { euid: 0, inUserNamespace: true }, '/run/gantry'],
  [undefined, { XDG_RUNTIME_DIR: '/x', USER: 'me' }, { euid: 0, inUserNamespace: true }, '/x/gantry'],
  ['r/', { XDG_RUNTIME_DIR: '/x' }, { euid: 1000 }, '/work/r'],
  ['/r', {}, { euid: 0 }, '/r'],
]
for (const [given, env, facts, path] of roots) {
  test(`root: ${given ?? 'default'} with ${JSON.stringify({ env, facts })} is ${path}`, async (t) => {
    const host = fakeHost({ caller: { env }, facts })
    t.deepEqual(await containersRoot(host, given), { path, isDefault: given === undefined })
  })
}

test('root: the machine is only asked where the answer depends on it', async (t) => {
  const host = fakeHost()
  await containersRoot(host)
  await containersRoot(host, '/r')
  t.deepEqual(host.calls, [])
})

test('root: / is refused', async (t) => {
  await t.throwsAsync(containersRoot(fakeHost(), '/x/..'), { message: /must not be \// })
})

const signals: readonly [text: string, number: number][] = [
  ['TERM', 15],
  ['SIGTERM', 15],
  ['sigkill', 9],
  ['9', 9],
  ['0', 0],
  ['64', 64],
  ['HUP', 1],
  ['CHLD', 17],
  ['SYS', 31],
  ['WINCH', 28],
  ['IOT', 6],
  ['POLL', 29],
  ['RTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['RTMAX', 64],
  ['RTMAX-14', 50],
]
for (const [text, number] of signals) {
  test(`signal ${text} is ${number}`, (t) => {
    t.is(signalNumber(text), number)
  })
}

for (const text of [
  '',
  'FOO',
  'SIG',
  '65',
  '-1',
  '9x',
  '1.5',
  'RTMIN-1',
  'RTMAX+1',
  'RTMIN+31',
  'RT',
  '999999999999',
]) {
  test(`signal ${JSON.stringify(text)} is unknown`, (t) => {
    t.throws(() => signalNumber(text), { message: `unknown signal "${text}"` })
  })
}

test('paths are made absolute and clean', (t) => {
  t.is(absolutePath('/a/b', '../c//./d/'), '/a/c/d')
  t.is(absolutePath('/a', '/'), '/')
  t.is(absolutePath('/a', '/../../x'), '/x')
  t.is(absolutePath('/', '.'), '/')
})
