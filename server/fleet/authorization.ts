import { createHash } from 'node:crypto'
import { toBinary } from '@bufbuild/protobuf'
import { cellOf } from '../../lib/tasks/task-kinds.ts'
import { type TaskSpec, TaskSpecSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { wrongState } from '../errors.ts'
import type { AuthorizationClaims } from './authorizer.ts'
import type { ClaimedTask } from './claim.ts'

/**
 * What the authorizer is to sign for a task; undefined for one that needs nothing. Throws DomainError
 * `authorization-mismatch` when the authorization is another run's or another environment's: it lets nobody do this.
 */
export function claimsOf(task: ClaimedTask, spec: TaskSpec, hostId: string): AuthorizationClaims | undefined {
  const { authorization } = task
  if (!authorization) return undefined
  const ofRun = authorization.runId === null || authorization.runId === task.run_id
  if (!ofRun || authorization.environmentId !== task.environment_id || !task.environment_id) {
    throw wrongState(
      'authorization-mismatch',
      `The authorization ${authorization.id} is not for this run and its environment`,
    )
  }
  return {
    jti: task.id,
    aud: hostId,
    action: spec.kind.case ?? '',
    cell: cellOf(spec) || (task.cell_id ?? ''),
    environment: task.environment_id,
    subject: authorization.subjectSha256,
    authorizationId: authorization.id,
    spec: createHash('sha256').update(toBinary(TaskSpecSchema, spec)).digest('hex'),
  }
}
