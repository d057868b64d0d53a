import test from 'ava'
import { MOUNT_OPTIONS, sortOptions } from '../../src/plan/options.js'

const NONE = { bind: 'no', parameters: [], remount: false }

const cases: readonly { readonly options: readonly string[]; readonly expected: object }[] = [
  { options: ['bind'], expected: { bind: 'single' } },
  { options: ['rbind', 'bind'], expected: { bind: 'recursive' } },
  { options: ['defaults', '', 'async', 'loud', 'noiversion'], expected: {} },
  { options: ['ro', 'rw'], expected: { clear: ['ro'] } },
  { options: ['rw', 'ro'], expected: { set: ['ro'] } },
  { options: ['rro', 'rnosuid', 'rdev'], expected: { setRecursively: ['ro', 'nosuid'], clearRecursively: ['nodev'] } },
  { options: ['ro', 'rrw'], expected: { set: ['ro'], clearRecursively: ['ro'] } },
  { options: ['relatime'], expected: { set: ['relatime'] } },
  { options: ['rrelatime', 'ratime'], expected: { clearRecursively: ['noatime'] } },
  { options: ['noatime', 'strictatime'], expected: { set: ['strictatime'] } },
  { options: ['nosymfollow', 'rsymfollow'], expected: { set: ['nosymfollow'], clearRecursively: ['nosymfollow'] } },
  {
    options: ['slave', 'rshared'],
    expected: {
      propagation: [
        { to: 'slave', recursive: false },
        { to: 'shared', recursive: true },
      ],
    },
  },
  { options: ['sync', 'lazytime', 'async'], expected: { parameters: [{ name: 'lazytime' }] } },
  { options: ['remount', 'nolazytime'], expected: { remount: true, parameters: [{ name: 'nolazytime' }] } },
  { options: ['idmap'], expected: { idMap: { recursive: false } } },
  {
    options: ['ridmap=uids=0-1-2;gids=0-1-2'],
    expected: { idMap: { recursive: true, inline: 'uids=0-1-2;gids=0-1-2' } },
  },
  { options: ['copy-symlink', 'src-nofollow', 'dest-nofollow'], expected: { link: 'bind', special: ['overLink'] } },
  { options: ['iversion', 'tmpcopyup'], expected: { special: ['countChanges', 'copyUp'] } },
  { options: ['sync', 'lazytime'], expected: { parameters: [{ name: 'sync' }, { name: 'lazytime' }] } },
  {
    options: ['lowerdir=/a=b:/c', 'xino', 'acl'],
    expected: { parameters: [{ name: 'lowerdir', value: '/a=b:/c' }, { name: 'xino' }, { name: 'acl' }] },
  },
]

for (const { options, expected } of cases) {
  test(`options ${options.join(',')}`, (t) => {
    const { settings, ...others } = sortOptions(options)
    t.deepEqual({ ...others, ...settings }, { ...NONE, ...expected })
  })
}

test('every option that we list has its place: none falls through to the file system unseen', (t) => {
  const own = ['sync', 'dirsync', 'lazytime', 'mand']
  for (const option of MOUNT_OPTIONS) {
    t.deepEqual(sortOptions([option]).parameters, own.includes(option) ? [{ name: option }] : [], option)
  }
  // runtime-spec, config.md: what a runtime MUST or SHOULD know.
  for (const option of 'async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud mand noatime nodev nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec ridmap rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable'.split(
    ' ',
  )) {
    t.true(MOUNT_OPTIONS.includes(option), option)
  }
})
