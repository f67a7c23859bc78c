import { create } from '@bufbuild/protobuf'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { Outcome } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { ResolveOutputSchema, type TaskOutput } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskAborted, TaskError } from '../tasks/task.ts'
import type { JournalEntry } from './journal.ts'
import type { Redactor } from './redactor.ts'
import { buildResult, type Ending } from './task-result.ts'

const entry: JournalEntry = {
  taskId: 't',
  epoch: 1,
  state: 'accepted',
  acceptedAtMs: 0,
  cancelReason: undefined,
}
const redactor = { redact: (text: string) => text.replace('pa55word', '[redacted]') } as Redactor
const log = pino({ level: 'silent' })
const found: TaskOutput['kind'] = {
  case: 'resolve',
  value: create(ResolveOutputSchema, { commit: 'c0ffee', commitMessage: 'Use pa55word' }),
}
const resultOf = (ending: Ending, aborted?: TaskAborted) =>
  buildResult({ entry, ending, aborted, findings: [], found, logLines: 0, redactor, log })

test.each<[string, unknown, TaskAborted | undefined, Outcome]>([
  ['failed', new TaskError('manifest-invalid', 'no such field'), undefined, Outcome.FAILED],
  ['had a bug', new TypeError('oh'), undefined, Outcome.FAILED],
  ['was cancelled', new Error('x'), new TaskAborted('cancelled', 'by ana'), Outcome.CANCELLED],
  ['took too long', new Error('x'), new TaskAborted('timed-out', 'late'), Outcome.TIMED_OUT],
])('a task that %s says what it had found out, without secrets', (_, error, aborted, outcome) => {
  const result = resultOf({ error }, aborted)
  expect([result.outcome, result.output]).toEqual([outcome, undefined])
  expect(result.found?.kind).toMatchObject({
    case: 'resolve',
    value: { commit: 'c0ffee', commitMessage: 'Use [redacted]' },
  })
})

test('one that succeeded has its output for that', () => {
  const output = { ...found, value: create(ResolveOutputSchema, { commit: 'beef' }) } as TaskOutput['kind']
  const result = resultOf({ output })
  expect([result.outcome, result.found]).toEqual([Outcome.SUCCEEDED, undefined])
  expect(result.output?.kind.value).toMatchObject({ commit: 'beef' })
})
