/** Whatever a config.json says: it is planned, or refused with the field that is in the way. Never a crash. */
import test from 'ava'
import fc from 'fast-check'
import { PlanError } from '../../src/plan/error.js'
import { planContainer } from '../../src/plan/plan.js'
import { SpecError, UnsupportedError } from '../../src/spec/error.js'
import { parseSpec } from '../../src/spec/parse.js'
import { HYBRID, REQUEST, ROOT, USER, V1, V2 } from '../plan/fixtures.js'
import { EVERYTHING, toJson } from './everything.js'

/** How many configs a property is tried on; more in a long run. */
const numRuns = Number(process.env.GANTRY_RUNS ?? 3000)

/** `process.args[3]`, `linux.sysctl["a b"]`, `ociVersion`, `mounts[0].options: idmap`. */
const FIELD = /^[A-Za-z]\w*(\.\w+|\[\d+\]|\["(?:[^"\\]|\\.)*"\])*(?=$|[: ])/

type Step = string | number

/** The paths of all values in a document. */
function pathsOf(value: unknown, path: readonly Step[] = []): (readonly Step[])[] {
  const entries: [Step, unknown][] = Array.isArray(value)
    ? [...value.entries()]
    : typeof value === 'object' && value !== null
      ? Object.entries(value)
      : []
  return [path, ...entries.flatMap(([name, item]) => pathsOf(item, [...path, name]))]
}

const PATHS = pathsOf(EVERYTHING).slice(1)

/** What other fields have, and what no field should have. */
const values: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[undefined, null, true, false, 0, -1, 1, 7, 1.5, 1e300, 4294967295, 4294967296, 9223372036854775807n],
    ...[-9223372036854775808n, 18446744073709551615n, 18446744073709551616n, '', '/', '..', '../x', 'a', '0-3', '-1'],
    ...['rw', 'rbind', 'idmap', '1.2.3', 'SCMP_ACT_ALLOW', 'SCHED_FIFO', 'user', 'CAP_KILL', '__proto__', [], {}, [[]]],
    ...[[null], [''], ['a', 'a'], { '': 1 }, { constructor: 1 }, [{}], [{}, null]],
  ),
  fc.integer(),
  fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
  fc.constantFrom(...PATHS).map((path) => at(EVERYTHING, path)),
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value).replaceAll('\\u0000', ''))),
)

function at(document: unknown, path: readonly Step[]): unknown {
  return path.reduce<unknown>((value, name) => Reflect.get(Object(value), name), document)
}

/** The document with a value in a place; without the place for undefined. */
function changed(document: unknown, [name, ...rest]: readonly Step[], value: unknown): unknown {
  if (name === undefined) return value
  if (Array.isArray(document)) {
    const copy: unknown[] = [...document]
    const index = Number(name)
    if (value === undefined && rest.length === 0) copy.splice(index, 1)
    else copy[index] = changed(copy[index], rest, value)
    return copy
  }
  if (typeof document !== 'object' || document === null) return document
  const copy: Record<string, unknown> = { ...document }
  if (value === undefined && rest.length === 0) delete copy[name]
  else copy[name] = changed(copy[name], rest, value)
  return copy
}

/** A valid document, thinned out at random, with a few places changed. */
const documents = fc
  .record({
    removed: fc.subarray(PATHS.filter((path) => path.length <= 3)),
    changes: fc.array(fc.tuple(fc.constantFrom(...PATHS), values), { maxLength: 3 }),
    thin: fc.boolean(),
  })
  .map(({ removed, changes, thin }) => {
    const needed = /^(ociVersion|root|process)$|^process,(user|args|cwd)/
    const gone = thin ? removed.filter((path) => !needed.test(path.join())) : []
    // From behind, so that numbers of entries stay true.
    const thinned = gone.reverse().reduce((document, path) => changed(document, path, undefined), EVERYTHING as unknown)
    return changes.reduce((document, [path, value]) => changed(document, path, value), thinned)
  })

/** A machine with all that a config can ask for. */
const FULL = {
  ...ROOT,
  resctrl: '/sys/fs/resctrl',
  cgroups: V2.map((hierarchy) => ({ ...hierarchy, controllers: [...hierarchy.controllers, 'io', 'hugetlb', 'rdma'] })),
}

const machines = fc.record({
  facts: fc.constantFrom(FULL, FULL, ROOT, USER, { ...FULL, cgroups: V1 }, { ...FULL, cgroups: HYBRID }),
  request: fc.record({ gate: fc.boolean(), notify: fc.boolean(), readonlyView: fc.boolean() }),
})

test('the document with every property is valid', (t) => {
  t.notThrows(() => parseSpec('config.json', toJson(EVERYTHING)))
})

test('every config is planned, or refused by a field', (t) => {
  const outcomes = { planned: 0, refused: 0, unplanned: 0 }
  fc.assert(
    fc.property(documents, machines, (document, { facts, request }) => {
      try {
        const spec = parseSpec('config.json', toJson(document))
        const { plan } = planContainer(spec, { ...REQUEST, ...request }, facts)
        // It crosses to the engine as JSON, which has no bigint.
        JSON.stringify(plan)
        outcomes.planned += 1
      } catch (error) {
        if (error instanceof SpecError) {
          const more = /^and \d+ more$/
          const nameless = error.problems.filter((problem) => !FIELD.test(problem) && !more.test(problem))
          if (nameless.length > 0) throw new Error(`without a field: ${nameless.join('; ')}`)
          outcomes.refused += 1
        } else if (error instanceof PlanError || error instanceof UnsupportedError) {
          if (!FIELD.test(error.message)) throw new Error(`without a field: ${error.message}`)
          outcomes.unplanned += 1
        } else {
          throw error
        }
      }
    }),
    { numRuns, includeErrorInReport: true },
  )
  t.log(outcomes)
  t.true(
    Object.values(outcomes).every((count) => count > numRuns / 100),
    JSON.stringify(outcomes),
  )
})

test('any text is a document or an error that says where', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.tuple(fc.nat(), fc.string({ maxLength: 3 })).map(([position, insert]) => {
      const whole = toJson(EVERYTHING)
      const cut = position % whole.length
      return whole.slice(0, cut) + insert + whole.slice(cut + insert.length)
    }),
  )
  fc.assert(
    fc.property(text, (source) => {
      try {
        parseSpec('config.json', source)
      } catch (error) {
        if (!(error instanceof SpecError)) throw error
        if (!error.message.startsWith('config.json') || error.message.includes('\n')) throw new Error(error.message)
      }
    }),
    { numRuns },
  )
  t.pass()
})
