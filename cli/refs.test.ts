import { expect, test } from 'vitest'
import { isRunId, isRunName, parseBuildName, parseEnvironmentName } from './refs.ts'

test.each([
  [['acme', '12'], { project: 'acme', number: 12 }],
  [['acme', '#12'], { project: 'acme', number: 12 }],
  [['acme/12'], { project: 'acme', number: 12 }],
  [['acme#12'], { project: 'acme', number: 12 }],
  [['acme/#12'], { project: 'acme', number: 12 }],
  [['12'], { number: 12 }],
  [['#12'], { number: 12 }],
])('%j is a build', (words, expected) => {
  expect(parseBuildName(words)).toEqual(expected)
})

test.each([
  [[]],
  [['acme']],
  [['acme', '0']],
  [['acme', '012']],
  [['acme', '1.2']],
  [['acme', '99999999999']],
  [['acme', '12', '13']],
  [['acme/release/1.0']],
  [['acme', 'production']],
  [['Acme/1']],
])('%j is no build', (words) => {
  expect(parseBuildName(words)).toBeUndefined()
})

test.each([
  [['acme', 'production'], [{ project: 'acme', environment: 'production' }]],
  [['acme', 'release/1.0'], [{ project: 'acme', environment: 'release/1.0' }]],
  [['acme/production'], [{ project: 'acme', environment: 'production' }, { environment: 'acme/production' }]],
  [
    ['acme/release/1.0'],
    [{ project: 'acme', environment: 'release/1.0' }, { environment: 'acme/release/1.0' }],
  ],
  [['release/1.0'], [{ project: 'release', environment: '1.0' }, { environment: 'release/1.0' }]],
  [['production'], [{ environment: 'production' }]],
  [['Feature/x'], [{ environment: 'Feature/x' }]],
])('%j is an environment', (words, candidates) => {
  expect(parseEnvironmentName(words)).toEqual({ candidates })
})

test.each([[[]], [['']], [['acme', '']], [['acme', 'a', 'b']], [['A b', 'c']]])(
  '%j is no environment',
  (words) => {
    expect(parseEnvironmentName(words)).toBeUndefined()
  },
)

test.each([
  ['5c6b8a1e', true, true],
  ['00000000', true, true],
  ['12345678', true, true],
  ['5c6b8a1e-0d0f-4c3a', true, true],
  ['5C6B', true, false],
  ['1234567', false, false],
  ['acme/12', false, false],
  ['release', false, false],
  ['5c6', false, false],
])('%s names a run: %s, also where names stand: %s', (text, names, amongNames) => {
  expect([isRunName(text), isRunName(text, 8)]).toEqual([names, amongNames])
})

test('a run id is a UUID', () => {
  expect(isRunId('0837c5d8-a31a-45f7-96b6-ae5312f15a10')).toBe(true)
  expect(isRunId('acme/12')).toBe(false)
})
