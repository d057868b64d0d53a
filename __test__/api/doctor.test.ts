/** `doctor` from a Node program. */
import { doctor } from '../../src/index.js'
import { apiTest } from '../harness/api.js'

apiTest('doctor finds that a sandbox runs here', async (t) => {
  const { ok, checks } = await doctor()
  t.true(ok)
  t.like(checks.at(-1), { id: 'sandbox', status: 'ok' })
})
