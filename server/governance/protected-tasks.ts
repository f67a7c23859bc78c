import { type TaskKind, taskKinds } from '../../lib/tasks/task-kinds.ts'
import type { Stage } from '../db/tables/projects.ts'

/** Whether an agent is asked for it only with an authorization: it can destroy or change production. */
export const isProtectedTask = (kind: TaskKind, stage: Stage): boolean =>
  stage === 'production' && taskKinds[kind].production === 'changes'
