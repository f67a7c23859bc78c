import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import { branchListLimitBytes } from '../../lib/repository/branch-list.ts'
import { type Look, type Looked, LookedSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { tooManyBranches } from '../git/heads.ts'
import type { Redactors } from '../link/redactors.ts'
import { isUsername } from '../link/unmasked-secrets.ts'
import type { Logger } from '../logger.ts'
import type { AgentServices } from '../services.ts'
import { removeTree } from '../storage/tree/remove.ts'
import { openMirrors } from '../tasks/git-access.ts'
import { TaskError } from '../tasks/task.ts'
import { createTurns } from './turns.ts'

/** Asks a repository for its branches; never rejects. Nothing is kept of it, and the same question may be asked again. */
export type LookAtRepository = (look: Look, signal: AbortSignal) => Promise<Looked>

/** At a time; the others wait, and give up with their time. Polls leave room for what people wait for. */
const atOnce = 4
const pollsAtOnce = 2
const longestMs = 120_000

export function createLook(
  { mirrors, workDirectory }: Pick<AgentServices, 'mirrors' | 'workDirectory'>,
  redactors: Redactors,
  log: Logger,
): LookAtRepository {
  const turns = createTurns(atOnce)
  const polls = createTurns(pollsAtOnce)

  const ask = async ({ repositoryUrl, credentials, networkAllow, projectId }: Look, signal: AbortSignal) => {
    // Keys of ssh are in it as long as it is asked; what a crash leaves goes with the tasks' directories.
    const directory = join(workDirectory, 'tasks', `look-${randomUUID()}`)
    try {
      const own = await openMirrors(mirrors, credentials, networkAllow, { project: projectId }, directory)
      return await own.heads(repositoryUrl, signal)
    } finally {
      await removeTree(directory)
    }
  }
  const askInTurn = (look: Look, signal: AbortSignal) => {
    const inTurn = () => turns.take(signal, () => ask(look, signal))
    return look.isPoll ? polls.take(signal, inTurn) : inTurn()
  }

  return async (look, stopping) => {
    const { lookId, projectId } = look
    const owner = { projectId, environmentId: '' }
    for (const [name, value] of Object.entries(look.credentials))
      if (!isUsername(name)) redactors.add(owner, value)
    const deadline = AbortSignal.timeout(Math.min(look.timeoutMs || longestMs, longestMs))
    const signal = AbortSignal.any([stopping, deadline])
    try {
      const { heads, ...found } = await askInTurn(look, signal)
      const looked = create(LookedSchema, { lookId, ...found, heads: [...heads] })
      if (toBinary(LookedSchema, looked).length > branchListLimitBytes)
        throw tooManyBranches(look.repositoryUrl)
      return looked
    } catch (error) {
      const { reason, message } = faultOf(error, deadline)
      if (reason === 'internal') log.error({ err: error, look: lookId }, 'a repository could not be asked')
      return create(LookedSchema, { lookId, reason, error: redactors.of(owner).redact(message) })
    }
  }
}

function faultOf(error: unknown, deadline: AbortSignal): { reason: string; message: string } {
  if (error instanceof TaskError) return error
  if (deadline.aborted)
    return { reason: 'repository-unreachable', message: 'its server did not answer in time: try again later' }
  return { reason: 'internal', message: 'the agent failed in asking for it; its log says why' }
}
