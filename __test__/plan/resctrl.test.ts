import test from 'ava'
import { planShares } from '../../src/plan/resctrl.js'
import { checkSpec } from '../../src/spec/parse.js'
import { plan, REQUEST, ROOT } from './fixtures.js'

const resctrl = '/sys/fs/resctrl'

const cases: readonly { readonly title: string; readonly intelRdt: object; readonly planned: object }[] = [
  { title: 'a group of its own', intelRdt: {}, planned: { group: `${resctrl}/c1`, create: 'own', schemata: [] } },
  {
    title: 'a group of its own with shares, in the order of the specification',
    intelRdt: { schemata: ['L2:0=f'], memBwSchema: 'MB:0=50', l3CacheSchema: 'L3:0=ff', enableMonitoring: true },
    planned: {
      group: `${resctrl}/c1`,
      create: 'own',
      schemata: ['L3:0=ff', 'MB:0=50', 'L2:0=f'],
      monitoring: `${resctrl}/c1/mon_groups/c1`,
    },
  },
  {
    title: 'a named group has to be there',
    intelRdt: { closID: 'shared' },
    planned: { group: `${resctrl}/shared`, create: 'never', schemata: [] },
  },
  {
    title: 'a named group with shares is made if it is missing',
    intelRdt: { closID: 'shared', l3CacheSchema: 'L3:0=ff' },
    planned: { group: `${resctrl}/shared`, create: 'ifMissing', schemata: ['L3:0=ff'] },
  },
  {
    title: 'the root group is always there',
    intelRdt: { closID: '/', schemata: ['L3:0=ff'], enableMonitoring: true },
    planned: { group: resctrl, create: 'never', schemata: ['L3:0=ff'], monitoring: `${resctrl}/mon_groups/c1` },
  },
]

for (const { title, intelRdt, planned } of cases) {
  test(title, (t) => {
    t.deepEqual(plan({ linux: { intelRdt }, facts: { resctrl } }).resctrl, planned)
  })
}

test('without linux.intelRdt resctrl is not touched', (t) => {
  t.false('resctrl' in plan({ facts: { resctrl } }))
})

test('an error where there is no resctrl', (t) => {
  t.is(
    t.throws(() => plan({ linux: { intelRdt: {} } }))?.message,
    'linux.intelRdt: the file system resctrl is not mounted here',
  )
})

for (const [title, intelRdt] of [
  ['linux.intelRdt.memBwSchema', { memBwSchema: 'L3:0=f' }],
  ['linux.intelRdt.l3CacheSchema', { l3CacheSchema: 'L3:0=f\nMB:0=1' }],
  ['linux.intelRdt.closID', { closID: '../x' }],
  ['linux.intelRdt.closID', { closID: '..' }],
  ['linux.intelRdt.schemata[1]', { schemata: ['L3:0=f', 'a\nb'] }],
] as const) {
  test(`refused: ${title} ${JSON.stringify(intelRdt)}`, (t) => {
    t.true(t.throws(() => plan({ linux: { intelRdt }, facts: { resctrl } }))?.message.includes(title))
  })
}

test('new shares are for the group that the config names, and there has to be one', (t) => {
  const spec = (intelRdt?: object) =>
    checkSpec('config.json', {
      ociVersion: '1.3.0',
      root: { path: 'r' },
      process: { user: { uid: 0, gid: 0 }, args: ['a'], cwd: '/' },
      linux: { ...(intelRdt && { intelRdt }) },
    })
  const shares = { l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=50' }
  const facts = { ...ROOT, resctrl }
  t.deepEqual(planShares(spec({ closID: 'shared' }), REQUEST, shares, facts), {
    group: `${resctrl}/shared`,
    schemata: ['L3:0=f', 'MB:0=50'],
  })
  t.deepEqual(planShares(spec({}), REQUEST, { memBwSchema: 'MB:0=50' }, facts).schemata, ['MB:0=50'])
  t.throws(() => planShares(spec(), REQUEST, shares, facts), { message: /made without/ })
  t.throws(() => planShares(spec({}), REQUEST, shares, ROOT), { message: /resctrl is not mounted here/ })
})
