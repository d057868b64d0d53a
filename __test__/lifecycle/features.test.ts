import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { features } from '../../src/lifecycle/features.js'
import { hooks } from '../../src/spec/hooks.js'
import { repository } from '../harness/package.js'

test('each kind of hooks is one that a config may have', (t) => {
  for (const kind of features().hooks) {
    t.true(hooks({ [kind]: [{ path: '/x' }] }), kind)
    t.false(hooks({ [kind]: 5 }), kind)
  }
})

test('every annotation that steers us is told of', (t) => {
  const directory = `${repository}src/plan`
  const sources = readdirSync(directory).map((file) => readFileSync(`${directory}/${file}`, 'utf8'))
  const used = sources.flatMap((source) => source.match(/(?<=['"`])(?:run\.oci|org\.(?:systemd|criu))\.[\w.-]*/g) ?? [])
  t.true(used.length >= 3)
  const known = features().potentiallyUnsafeConfigAnnotations
  for (const name of used) {
    // An entry that ends with a dot is a prefix (features.md).
    t.true(
      known.some((entry) => (entry.endsWith('.') ? name.startsWith(entry) : name === entry)),
      name,
    )
  }
})
