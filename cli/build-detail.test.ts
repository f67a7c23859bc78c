import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { BuildSchema } from '../proto/gen/fairway/v1/builds_pb.js'
import { headline } from './build-detail.ts'
import { buildDetailJson } from './json/build.ts'

const headed = (more: MessageInitShape<typeof BuildSchema>) =>
  headline(
    (_, text) => text,
    buildDetailJson(create(BuildSchema, { project: 'acme', number: 4, branch: 'main', ...more })),
  )

test('what is said in full below the headline is not in it as well', () => {
  const reason = 'the tests of acme_sale failed'
  expect(headed({ reason })).toContain(reason)
  expect(headed({ reason, failure: { step: 'deploy', sentence: reason } })).not.toContain(reason)
})
