import { expect, test } from 'vitest'
import type { Variables } from '../../lib/environment/stage-variables.ts'
import type { Cell } from '../storage/records.ts'
import { odooContainer } from './odoo-options.ts'

const environmentOf = (variables: Variables) =>
  odooContainer({
    cell: { id: 'c1', paths: { filestore: '/filestore' } } as unknown as Cell,
    connection: { host: 'db', port: 5432, user: 'u', password: 'p', database: 'd' },
    image: 'odoo@sha256:1',
    facts: { uid: 101, gid: 101, entrypoint: [], workingDirectory: '', odooVersion: '19.0' } as never,
    limits: undefined,
    arguments: ['server'],
    variables,
  }).Env?.filter((variable) => variable.startsWith('MALLOC_'))

test('threads share two arenas, unless the project says otherwise', () => {
  expect(environmentOf({})).toEqual(['MALLOC_ARENA_MAX=2'])
  expect(environmentOf({ MALLOC_ARENA_MAX: '8' })).toEqual(['MALLOC_ARENA_MAX=8'])
})
