import { join } from 'node:path'
import { createGit } from '../../agent/git/command.ts'
import { createLocalRepositories } from '../../agent/git/local/local-repositories.ts'
import { createMirrors } from '../../agent/git/mirrors.ts'
import { createRedactors } from '../../agent/link/redactors.ts'
import { createLogger } from '../../agent/logger.ts'
import { createLook, type LookAtRepository } from '../../agent/look/look.ts'
import { createLoopbackDialer } from './dialers.ts'

/** How an agent answers for repositories, on this machine's git servers and in those folders. */
export function createTestLook(directory: string, gitRoots: readonly string[] = []): LookAtRepository {
  const protocols = ['https', 'http', 'ssh', 'file'] as const
  const workDirectory = join(directory, 'work')
  const git = createGit({ home: join(directory, 'git'), protocols })
  const locals = createLocalRepositories(gitRoots)
  const mirrors = createMirrors(git, join(workDirectory, 'mirrors'), protocols, createLoopbackDialer(), {
    locals,
  })
  const log = createLogger(process.env.FAIRWAY_TEST_LOG ?? 'silent')
  return createLook({ mirrors, workDirectory }, createRedactors(), log)
}
