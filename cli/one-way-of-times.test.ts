import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// People are told durations and times by lib/words alone; programs get RFC 3339 and milliseconds, in cli/json.

const root = fileURLToPath(new URL('../', import.meta.url))
const files = globSync('{cli,server}/**/*.ts', { cwd: root }).filter((path) => !path.endsWith('.test.ts'))

/** A time or a duration that is put into a sentence without them. */
const otherwise = [
  /\$\{[^}`]*toISOString\(\)/,
  /\$\{[^}`]*(?:Ms|ms|durationMs)\b[^}`]*\} ?(?:ms|s|m|h|seconds|minutes)\b/,
  /\$\{[^}`]*\/ ?(?:1_?000|60_?000|3_?600_?000)\)?[^}`]*\} ?(?:s|m|h|seconds|minutes)\b/,
]

/** Where clocks are compared to the second, and what is for whoever runs the server: its log and its command line. */
const known = new Set([
  'server/fleet/authenticate.ts',
  'server/fleet/control.ts',
  'server/governance/policy/read-policy.ts',
  'server/forges/body.ts',
  'server/master-key.ts',
  'server/shutdown.ts',
])

test('no sentence says a time or a duration in another way', () => {
  const found = files
    .filter((path) => !known.has(path))
    .flatMap((path) =>
      readFileSync(`${root}${path}`, 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          otherwise.some((pattern) => pattern.test(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
        ),
    )
  expect(found).toEqual([])
})

test('what says it otherwise is found', () => {
  const inSentence = (expression: string, unit = '') => `\`$${`{${expression}}`}${unit}\``
  for (const line of [
    inSentence('expiresAt.toISOString()'),
    inSentence('Math.round(durationMs)', ' ms'),
    inSentence('(elapsed / 1_000).toFixed(1)', 's'),
  ])
    expect(otherwise.some((pattern) => pattern.test(line))).toBe(true)
})
