import { toJson } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { UpdateObservationSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { reportObservation } from './report.ts'

test('names of a database are on one line, and lines of the log as they are', () => {
  const issue = { fingerprint: 'f', level: 'ERROR', logger: 'odoo.x', sample: 'it\n  hurts', count: 1 }
  const observation = reportObservation({
    odooMs: 1,
    locks: [{ table: 'a\n\u001b[31mb', mode: 'AccessExclusiveLock', heldMs: 2 }],
    trace: { issues: [issue], moreIssues: 0, scripts: [] },
    omissions: [],
  })
  expect(toJson(UpdateObservationSchema, observation)).toMatchObject({
    locks: [{ table: 'a [31mb', mode: 'AccessExclusiveLock', heldMs: '2' }],
    issues: [issue],
  })
})
