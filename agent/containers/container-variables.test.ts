import { expect, test } from 'vitest'
import { withSecrets } from './container-secrets.ts'
import { withVariables } from './container-variables.ts'

test('what is there already goes before a variable: the agent’s own, and secrets', () => {
  const own = withSecrets({ Env: ['PGHOST=db'] }, { RUNNING_ENV: 'of-a-secret' })
  const { Env, Labels } = withVariables(own, { RUNNING_ENV: 'plain', ODOO_STAGE: 'dev', PGHOST: 'elsewhere' })
  expect(Env).toEqual(['PGHOST=db', 'RUNNING_ENV=of-a-secret', 'ODOO_STAGE=dev'])
  expect(Labels).toEqual({ 'fairway.secrets': 'RUNNING_ENV' })
})

test.each(['LD_PRELOAD', 'PATH', 'ODOO_RC', 'a b', 'X=1\nLD_PRELOAD'])(
  'a server cannot set %j either',
  (name) => {
    expect(() => withVariables({ Env: [] }, { [name]: 'x' })).toThrow(/the variable "/)
  },
)
