import { globSync, readFileSync } from 'node:fs'
import { expect, expectTypeOf, test } from 'vitest'
import { inspectRun } from './inspect/definition.ts'
import { type RunNotes, viewOf } from './kinds.ts'
import { promoteRun } from './promote/definition.ts'
import { startRun } from './start/definition.ts'

// Records of runs are read by their kind's definition alone: what a cast says of a row, nobody has looked at.

const root = new URL('../../', import.meta.url)
const sources = globSync('{server,lib}/**/*.ts', { cwd: root }).filter((path) => !path.endsWith('.test.ts'))
const cast = /\brecord\)?(\s+as\s+(?!const\b)|!)/

/** Those of the lines that say more of a stored record than anybody has read. */
const casts = (text: string): string[] =>
  text.split('\n').filter((line) => cast.test(line) && !/^\s*(\/\/|\/?\*)/.test(line))

test('a cast is found', () => {
  for (const line of [
    'const record = row.record as PromoteRecord',
    '(run?.record as RunNotes | undefined)?.changes',
    '({ record }) => ({ commits: (record as RunNotes).commits })',
    'row.record as unknown as RunNotes',
    'row.record!',
  ])
    expect(casts(line)).toEqual([line])
  expect(casts(' * those on record as well')).toEqual([])
})

test('no record is cast', () => {
  expect(sources.length).toBeGreaterThan(400)
  const found = sources.flatMap((path) =>
    casts(readFileSync(new URL(path, root), 'utf8')).map((line) => `${path}: ${line.trim()}`),
  )
  expect(found).toEqual([])
})

test('a run of a known kind has what runs of that kind have', () => {
  const row = { id: 'r1', record: {}, record_version: 2 }
  expectTypeOf(promoteRun.record.read(row)).not.toHaveProperty('changes')
  expectTypeOf(inspectRun.record.read(row)).not.toHaveProperty('digest')
  const promoted = promoteRun.record.read(row)
  if (promoted.plan !== undefined) expectTypeOf(promoted.digest).toEqualTypeOf<string>()
  expect(startRun.record.names).toEqual([])
})

test('a row from before versions is read whatever it lacks', () => {
  const digest = `sha256:${'d'.repeat(64)}`
  for (const kind of ['build', 'promote', 'rehearse', 'rollback'] as const) {
    const row = { id: 'r1', kind, record: { digest }, record_version: 1 }
    expect(viewOf(row, ['digest', 'image']), kind).toEqual({ digest, image: '' })
  }
})

test('a view has what it names, of whatever kind', () => {
  const record = { digest: 'sha256:1', image: 'x', rolledBackTo: 3, withData: true, url: 'https://shop' }
  const view = viewOf({ id: 'r1', kind: 'rollback', record, record_version: 2 }, ['url', 'digest', 'tests'])
  expectTypeOf(view).toEqualTypeOf<Pick<RunNotes, 'url' | 'digest' | 'tests'>>()
  expect(view).toEqual({ url: 'https://shop', digest: 'sha256:1', tests: undefined })
})
