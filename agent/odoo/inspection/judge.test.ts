import { expect, test } from 'vitest'
import { findFailure, wasAskedNothing } from './judge.ts'

const line = (text: string) => ({
  text: `2026-01-01 10:00:00,000 1 INFO odoo ${text}`,
  stream: 'stderr' as const,
  timestamp: '',
})
const loaded = line('odoo.registry: Registry loaded in 1.234s')
const formerly = line('odoo.modules.registry: Registry loaded in 1.234s')

test('only one that came to its input, found none and ended well was asked nothing', () => {
  const asked = (exitCode: number, begun: boolean, text = loaded) =>
    !wasAskedNothing({ exitCode }, { begun }, [text])
  expect([asked(0, false), asked(0, false, formerly)]).toEqual([false, false])
  expect([asked(0, true), asked(1, false), asked(0, false, line('odoo.registry: x'))]).toEqual([
    true,
    true,
    true,
  ])
})

test('one that says nothing of its end did not come to it', () => {
  const findings = { done: false, garbled: 0 } as Parameters<typeof findFailure>[1]
  const end = { exitCode: 137, outOfMemory: false, ranMs: 1 }
  expect(findFailure(end, findings, [])).toContain('exit code 137')
  expect(findFailure({ ...end, exitCode: 0 }, { ...findings, done: true }, [])).toBeUndefined()
})
