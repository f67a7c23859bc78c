import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { ControlRequestSchema, Outcome } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { fitMessage, sendableBytes } from './fit-message.ts'

const huge = 'x'.repeat(5_000_000)
const fitted = (message: MessageInitShape<typeof ControlRequestSchema>['message']) => {
  const sent = fitMessage(create(ControlRequestSchema, { message }))
  if (sent) expect(toBinary(ControlRequestSchema, sent).length).toBeLessThanOrEqual(sendableBytes)
  return sent?.message
}

test('what fits is sent as it is', () => {
  const request = create(ControlRequestSchema, { message: { case: 'heartbeat', value: { sequence: 1n } } })
  expect(fitMessage(request)).toBe(request)
})

test('an answer that is too large fails, whatever of it is', () => {
  const heads = Array.from({ length: 10_000 }, (_, at) => ({
    branch: `${at}-${'\ufffd'.repeat(200)}`,
    commit: '',
  }))
  for (const more of [{ heads }, { error: huge }, { defaultBranch: huge }])
    expect(fitted({ case: 'looked', value: { lookId: 'l', ...more } })?.value).toMatchObject({
      lookId: 'l',
      reason: 'repository-too-large',
      heads: [],
    })
})

test('a result that is too large fails its task', () => {
  for (const more of [{ error: huge }, { warnings: [huge] }])
    expect(
      fitted({
        case: 'result',
        value: { task: { taskId: 't', epoch: 3 }, outcome: Outcome.SUCCEEDED, ...more },
      })?.value,
    ).toMatchObject({ task: { taskId: 't', epoch: 3 }, outcome: Outcome.FAILED, reason: 'result-too-large' })
})

test('what nobody waits for is left out', () => {
  expect(fitted({ case: 'inventory', value: { pools: [{ name: huge }] } })).toBeUndefined()
  expect(fitted({ case: 'checkpointAck', value: { refusal: huge } })).toBeUndefined()
})
