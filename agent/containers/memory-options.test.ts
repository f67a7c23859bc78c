import { expect, test } from 'vitest'
import { memoryOptions } from './memory-options.ts'

const GIB = 1024 ** 3
const limits = (memory: number, processes: number | 'threads') =>
  memoryOptions(memory, processes).map((option) => Math.round(Number(option.replace(/^.*=/, '')) / 1024 ** 2))

test.each<[string, number, number | 'threads', number[]]>([
  ['a preview: what Odoo itself would give it', 1 * GIB, 'threads', [2048, 2560]],
  ['hardly any, in threads', GIB / 4, 'threads', [2048, 2560]],
  ['one update with much memory', 8 * GIB, 'threads', [7578, 9728]],
  ['one worker, and no scheduled jobs', 1 * GIB, 1, [819, 1280]],
  ['production: two workers and a scheduled job', 2 * GIB, 3, [546, 1280]],
  ['much memory', 16 * GIB, 5, [2621, 3277]],
  ['too little for its workers: none ends after each request', 1 * GIB, 4, [384, 1280]],
  ['hardly any', GIB / 4, 2, [205, 1280]],
])('%s', (_name, memory, processes, expected) => {
  expect(limits(memory, processes)).toEqual(expected)
})

test('the workers together stay below the container’s memory, wherever that is enough for them', () => {
  for (let processes = 1; processes <= 16; processes++)
    for (let memory = processes * 0.5 * GIB; memory <= 32 * GIB; memory += GIB / 2)
      expect((limits(memory, processes)[0] ?? 0) * processes * 1024 ** 2).toBeLessThanOrEqual(0.81 * memory)
})
