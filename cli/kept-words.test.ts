import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { expect, test } from 'vitest'
import { BuildSchema } from '../proto/gen/fairway/v1/builds_pb.js'
import { Stage } from '../proto/gen/fairway/v1/common_pb.js'
import {
  EnvironmentPurpose,
  EnvironmentSchema,
  EnvironmentStatus,
} from '../proto/gen/fairway/v1/environments_pb.js'
import { buildDetailJson } from './json/build.ts'
import { environmentJson } from './json/environment.ts'
import { keptPreview, keptSentence, listedStatus, statusWords } from './kept-words.ts'

const until = timestampFromDate(new Date('2026-11-30T16:30:00Z'))
const environment = (more: MessageInitShape<typeof EnvironmentSchema>) =>
  environmentJson(
    create(EnvironmentSchema, {
      project: 'acme',
      status: EnvironmentStatus.RUNNING,
      expiresAt: until,
      ...more,
    }),
  )

test('what an environment is kept for, and until when', () => {
  const preview = environment({
    purpose: EnvironmentPurpose.FAILED_BUILD,
    failedBuild: 41,
    failedRun: '0193c2f4-5a6b-7c8d-9e0f-0000000000c1',
  })
  expect(keptSentence(preview)).toBe(
    'the preview of build acme/41, whose tests failed, there until 2026-11-30 16:30 UTC',
  )
  const copy = environment({
    purpose: EnvironmentPurpose.FAILED_UPDATE,
    failedRun: '0193c2f4-5a6b-7c8d-9e0f-0000000000c1',
  })
  expect(keptSentence(copy)).toBe(
    'a neutralized copy of what the update of run 0193c2f4 left in production, there until 2026-11-30 16:30 UTC',
  )
  expect(statusWords(copy)).toBe('running until 2026-11-30 16:30 UTC')
  const gone = environment({ status: EnvironmentStatus.DESTROYED })
  expect(statusWords(gone)).toBe('destroyed')
})

test('what is wrong with an environment hides nothing of its status', () => {
  const open = environment({ stage: Stage.STAGING, defaultLogins: ['admin'] })
  expect(listedStatus(open)).toBe('running until 2026-11-30 16:30 UTC, default password')
  expect(listedStatus(environment({ stage: Stage.STAGING }))).toBe('running until 2026-11-30 16:30 UTC')
})

test('a branch’s environment, and a server of before, say nothing of it', () => {
  for (const purpose of [EnvironmentPurpose.BRANCH, EnvironmentPurpose.UNSPECIFIED]) {
    const plain = environment({ purpose, expiresAt: undefined })
    expect(keptSentence(plain)).toBe('')
    expect(statusWords(plain)).toBe('running')
  }
})

test('where the preview of a build is, as long as it is there', () => {
  const of = (open: boolean) =>
    keptPreview(
      buildDetailJson(
        create(BuildSchema, { project: 'acme', number: 41, kept: { environment: 'failed-41', until, open } }),
      ),
    )
  expect(of(true)).toBe('acme/failed-41 until 2026-11-30 16:30 UTC: fairway env open acme/failed-41')
  expect(of(false)).toBe('acme/failed-41, which is gone')
  expect(keptPreview(buildDetailJson(create(BuildSchema, {})))).toBeNull()
})
