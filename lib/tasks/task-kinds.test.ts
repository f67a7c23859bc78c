import { fromJson } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { SecretRefSchema, TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { messagesWith } from '../../test/support/messages-with.ts'
import { cellOf, credentialsOf, secretsOf, type TaskKind, taskKinds } from './task-kinds.ts'

// What a task may be given stands in its message and in its definition: they have to agree, whatever comes.

const ref = { name: 'NAME', version: 1 }
const withSecret = [...messagesWith(TaskSpecSchema, SecretRefSchema, ref)]

it('finds the places for secrets in the messages', () => {
  expect(withSecret.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['fetchImage.credentials', 'startRuntime.runtime.secrets']),
  )
})

describe.each(withSecret)('what $path names', ({ path, json }) => {
  const spec = fromJson(TaskSpecSchema, json)
  it('is delivered, as what its field says that it is', () => {
    const delivered = path.endsWith('.credentials')
      ? { secrets: [], credentials: [ref] }
      : { secrets: [ref], credentials: [] }
    expect({ secrets: secretsOf(spec), credentials: credentialsOf(spec) }).toMatchObject(delivered)
  })
})

const kinds = Object.keys(taskKinds) as TaskKind[]
const [oneof] = TaskSpecSchema.oneofs

it('has every kind of task that there is, and no other', () => {
  expect([...kinds].sort()).toEqual(oneof?.fields.map(({ localName }) => localName).sort())
})

it.each(kinds)('knows the cell that %s names', (kind) => {
  const field = oneof?.fields.find(({ localName }) => localName === kind)
  const names = field?.message?.fields.map(({ localName }) => localName) ?? []
  const own = names.find((name) => name === 'cellId' || name === 'stopCellId')
  const words = own ? { [own]: 'c' } : names.includes('runtime') ? { runtime: { cellId: 'c' } } : {}
  const spec = fromJson(TaskSpecSchema, { [kind]: words })
  expect(cellOf(spec)).toBe(Object.keys(words).length > 0 ? 'c' : '')
})

it('gives nothing to a task of a kind that it does not know', () => {
  const spec = fromJson(TaskSpecSchema, { ofTomorrow: {} }, { ignoreUnknownFields: true })
  expect([cellOf(spec), secretsOf(spec), credentialsOf(spec)]).toEqual(['', [], []])
})
