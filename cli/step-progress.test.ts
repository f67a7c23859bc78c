import { expect, test } from 'vitest'
import { headline } from './build-detail.ts'
import type { BuildDetailJson } from './json/build.ts'
import type { Output } from './output.ts'
import { createProgress } from './step-progress.ts'

const step = (name: string, status: string, durationMs = 0) => ({
  name,
  status,
  durationMs,
  startedAt: status === 'queued' ? null : '2026-03-01T12:00:00.000Z',
  summary: status === 'succeeded' ? `${name} done` : null,
  attempts: 1,
})

const build = (steps: ReturnType<typeof step>[], more: Partial<BuildDetailJson> = {}) =>
  ({
    project: 'acme',
    number: 12,
    branch: 'main',
    stage: 'production',
    status: 'running',
    result: null,
    reason: null,
    commit: null,
    steps,
    ...more,
  }) as BuildDetailJson

function output(isTerminal: boolean, json = false): { out: Output; lines: string[] } {
  const lines: string[] = []
  const out = {
    json,
    isTerminal,
    width: 80,
    paint: (_: string, text: string) => text,
    line: (text = '') => lines.push(text),
  } as unknown as Output
  return { out, lines }
}

test('elsewhere than on a terminal each change is a line, once', () => {
  const { out, lines } = output(false)
  const progress = createProgress(out, headline)
  progress.show(build([step('resolve', 'running'), step('image', 'queued')]))
  progress.show(build([step('resolve', 'succeeded', 4_200), step('image', 'running')]))
  progress.show(build([step('resolve', 'succeeded', 4_200), step('image', 'running')]))
  progress.show(
    build([step('resolve', 'succeeded', 4_200), step('image', 'failed', 900)], {
      status: 'failed',
      result: 'red',
      reason: 'no such image',
    }),
  )
  progress.end()
  expect(lines).toEqual([
    'resolve running',
    'acme/12 main → production running',
    'resolve succeeded 4.2 s  resolve done',
    'image running',
    'image failed 900 ms',
    'acme/12 main → production red: no such image',
  ])
})

test('a terminal is drawn anew in place', () => {
  const written: string[] = []
  const progress = createProgress(output(true).out, headline, (text) => void written.push(text))
  progress.show(build([step('resolve', 'running')]))
  progress.show(build([step('resolve', 'succeeded', 4_200)]))
  progress.end()
  expect(written[0]).not.toContain('\x1b[')
  expect(written[1]?.startsWith('\x1b[2A\x1b[J')).toBe(true)
  expect(written.at(-1)).toContain('✓ resolve         4.2 s  resolve done')
})

test('the last state is whole, but for what is said in full below it', () => {
  const written: string[] = []
  const progress = createProgress(output(true).out, headline, (text) => void written.push(text))
  const long = `30 modules, 2 of them own, ${'and others that Odoo adds by itself, '.repeat(2)}with their own`
  progress.show(
    build([
      { ...step('resolve', 'succeeded', 4_200), summary: long },
      { ...step('database', 'failed', 900), summary: long },
    ]),
  )
  expect(written.at(-1)?.split('\n').slice(1, -1)).toEqual([
    '  ✓ resolve         4.2 s  30 modules, 2 of them own, and others that Odoo add…',
    '  ✗ database       900 ms  30 modules, 2 of them own, and others that Odoo add…',
  ])
  progress.end()
  const last = written.at(-1)?.split('\n').slice(1, -1)
  expect(last).toEqual([
    '  ✓ resolve         4.2 s  30 modules, 2 of them own, and others that Odoo adds',
    '                           by itself, and others that Odoo adds by itself, with',
    '                           their own',
    '  ✗ database       900 ms  30 modules, 2 of them own, and others that Odoo add…',
  ])
})

test('with --json nothing is drawn', () => {
  const { out, lines } = output(true, true)
  const written: string[] = []
  const progress = createProgress(out, headline, (text) => void written.push(text))
  progress.show(build([step('resolve', 'running')]))
  progress.end()
  expect([...lines, ...written]).toEqual([])
})
