import { expect, test } from 'vitest'
import { processesIn } from './stop-odoo.ts'

test('Docker lists no process of a container that ended while it looked', () => {
  expect(processesIn({ Processes: null })).toEqual([])
  expect(processesIn({ Processes: [['12', '1', 'Ss']] })).toEqual([{ pid: 12, parent: 1, state: 'Ss' }])
})
