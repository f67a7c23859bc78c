import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineRecord, part, RecordMisfit } from './record.ts'

const image = part({ digest: z.string(), image: z.string(), built: z.boolean() }, { built: false })
const kind = { parts: [image], fields: { restored: z.boolean().optional(), url: z.string() } } as const
const record = defineRecord('promote', kind)
const row = (json: unknown, version = record.version) => ({ id: 'r1', record: json, record_version: version })
const whole = { digest: 'sha256:1', image: 'shop@sha256:1', built: true }

test('what a run has noted so far is its record', () => {
  expect(record.read(row({}))).toEqual({})
  expect(record.read(row(whole))).toEqual(whole)
  expect(record.names.toSorted()).toEqual(['built', 'digest', 'image', 'restored', 'url'])
})

test('a part is there as a whole, for the compiler as well', () => {
  const seen = record.read(row(whole))
  if (seen.digest === undefined) return expect.fail('it has an image')
  expectTypeOf(seen.image).toEqualTypeOf<string>()
  expectTypeOf(seen.restored).toEqualTypeOf<boolean | undefined>()
})

test('a name that a newer pipeline notes stays', () => {
  expect(record.read(row({ later: [1] }))).toEqual({ later: [1] })
})

test.each([
  [{ restored: 'yes' }, 'restored: Invalid input: expected boolean, received string'],
  [{ ...whole, image: undefined }, 'image is missing beside digest'],
  [{ url: null }, 'url: Invalid input: expected string, received null'],
  [[], 'it is no object'],
  [null, 'it is no object'],
])('%j is refused by run, field and what to do', (json, fault) => {
  const read = () => record.read(row(json))
  expect(read).toThrow(RecordMisfit)
  expect(read).toThrow(
    `The record of run r1 (promote) does not fit: ${fault}. No server writes that: somebody`,
  )
})

test('one of a newer server waits for an upgrade', () => {
  const read = () => record.read(row({}, record.version + 1))
  expect(read).toThrow(
    'it has version 3, and this server knows 2. A newer server wrote it: upgrade this one.',
  )
})

test('one from before versions is completed, with what its parts say and no more', () => {
  const { digest, image } = whole
  expect(record.read(row({ digest, image }, 1))).toEqual({ ...whole, built: false })
  expect(record.read(row({ url: 'x' }, 1))).toEqual({ url: 'x' })
  expect(() => record.read(row({ digest }, 1))).toThrow('image is missing beside digest')
  expect(() => record.read(row({ digest, image }))).toThrow('built is missing beside digest')
})

test('updates and rehearsals from before versions say what nobody noted then', () => {
  const rehearsal = { verdict: 'green', update: { durationMs: 1 } }
  const update = { durationMs: 2 }
  expect(record.read(row({ rehearsal, update }, 1))).toEqual({
    rehearsal: { verdict: 'green', at: '', update: { durationMs: 1, omissions: [] } },
    update: { durationMs: 2, omissions: [] },
  })
})

test('each version becomes the next one, from wherever it begins', () => {
  const upgraded = defineRecord('promote', {
    parts: [],
    fields: { steps: z.array(z.string()) },
    upgrades: [
      ({ step, ...rest }) => ({ ...rest, steps: [step] }),
      ({ steps, ...rest }) => ({ ...rest, steps: [...(steps as string[]), 'last'] }),
    ],
  })
  expect(upgraded.version).toBe(4)
  const steps = ['a', 'last']
  expect(upgraded.read(row({ step: 'a' }, 1))).toEqual({ steps })
  expect(upgraded.read(row({ step: 'a' }, 2))).toEqual({ steps })
  expect(upgraded.read(row({ steps: ['a'] }, 3))).toEqual({ steps })
  expect(upgraded.read(row({ steps }, 4))).toEqual({ steps })
})
