import test from 'ava'
import { refuseUnsupported } from '../../src/spec/unsupported.js'

const asked: readonly { readonly field: string; readonly config: object }[] = [
  { field: 'linux.intelRdt', config: { linux: { intelRdt: { closID: 'x' } } } },
]

for (const { field, config } of asked) {
  test(`${field} is refused by its name`, (t) => {
    t.throws(() => refuseUnsupported(config), { name: 'UnsupportedError', message: `${field}: not supported yet` })
  })
}

test('sections that say nothing ask for nothing', (t) => {
  t.notThrows(() =>
    refuseUnsupported({
      linux: {
        intelRdt: {},
        netDevices: {},
      },
    }),
  )
})
