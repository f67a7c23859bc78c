import { expect, test } from 'vitest'
import { forEachRow } from './each-row.ts'

const rows = [{ id: 'one' }, { id: 'two' }, { id: 'three' }]

async function tried(failure: Error): Promise<{ readonly ids: string[]; readonly message: string }> {
  const ids: string[] = []
  const done = forEachRow(rows, async ({ id }) => {
    ids.push(id)
    if (id === 'two') throw failure
  })
  const message = await done.then(
    () => '',
    (error: Error) => error.message,
  )
  return { ids, message }
}

test('a row that fails keeps none of those after it waiting, and is named', async () => {
  const busy = Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' })
  expect(await tried(busy)).toEqual({
    ids: ['one', 'two', 'three'],
    message: 'two: canceling statement due to lock timeout',
  })
})

test('nothing more is tried where the database is away', async () => {
  const away = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
  expect(await tried(away)).toEqual({ ids: ['one', 'two'], message: 'connect' })
})
