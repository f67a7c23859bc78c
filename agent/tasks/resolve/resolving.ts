import { join } from 'node:path'
import { CellStage, type ResolveTask } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Mirrors } from '../../git/mirrors.ts'
import type { AgentServices } from '../../services.ts'
import { logGit, openMirrors } from '../git-access.ts'
import { type Secrets, secretsOf, type TaskContext } from '../task.ts'

export type ResolveServices = Pick<AgentServices, 'docker' | 'mirrors' | 'packages' | 'workDirectory'>

/** What each part of resolving a commit works with. */
export interface Resolving {
  readonly services: ResolveServices
  readonly input: ResolveTask
  readonly context: TaskContext
  readonly secrets: Secrets
  readonly mirrors: Mirrors
  /** The task's own. */
  readonly directory: string
  /** Where the assembled source is. */
  readonly files: string
  /** A preview may be of any commit; what meets production's data comes from the branch itself. */
  readonly onBranch: boolean
  readonly onGitLine: (line: string) => void
}

export async function startResolving(
  services: ResolveServices,
  input: ResolveTask,
  directory: string,
  context: TaskContext,
): Promise<Resolving> {
  const secrets = await secretsOf(context, input.credentials)
  return {
    services,
    input,
    context,
    secrets,
    mirrors: await openMirrors(services.mirrors, secrets, input.networkAllow, context, directory),
    directory,
    files: join(directory, 'source'),
    onBranch: input.stage !== CellStage.DEVELOPMENT,
    onGitLine: logGit(context),
  }
}
