import { judgeValue } from '../../lib/masking/judge-value.ts'
import type { Owner } from '../tasks/task.ts'
import { createRedactor, type Redactor } from './redactor.ts'
import { createSecretIndex, type SecretIndex } from './secret-index.ts'

/**
 * What this host knows of secrets, by whose they are: the text of one project is never compared with the secrets of
 * another, as what is masked in it would confirm a guess of them. Within a project judge-value.ts decides how far a value
 * reaches. Nothing is forgotten while the agent runs: lines of what has ended are read late, and what was rotated is still
 * printed by what was started before.
 */
export interface Redactors {
  /**
   * A value that was given to this owner. One of no environment is the project's: a credential of its builds. Of an
   * environment whose project is not known it is masked in that environment, and of nobody known everywhere.
   */
  add(owner: Owner, secret: string): void
  /** Ours, for the host itself: masked in everything. */
  addOwn(secret: string): void
  /** For what this owner's tasks and runtimes say, also of secrets that become known later. */
  of(owner: Owner): Redactor
  /** For what is said on copies that are not neutral yet: what any environment of the project was given. */
  ofCopies(owner: Owner): Redactor
  /** For what stays on this host: the agent's own log. Knows every secret. */
  readonly host: Redactor
}

export function createRedactors(): Redactors {
  const everywhere = createSecretIndex()
  const projects = new Map<string, SecretIndex>()
  const environments = new Map<string, SecretIndex>()
  /** Also for environments of which only a container was met: an agent of before wrote no project on them. */
  const projectOf = new Map<string, string>()

  const learn = ({ projectId, environmentId }: Owner) => {
    if (projectId && environmentId) projectOf.set(environmentId, projectId)
  }
  function* ofProject(projectId: string) {
    for (const [environmentId, index] of environments)
      if (projectOf.get(environmentId) === projectId) yield index
  }
  function* indexesOf({ projectId, environmentId }: Owner, copies: boolean): Generator<SecretIndex> {
    yield everywhere
    const project = projectId || projectOf.get(environmentId) || ''
    const own = [projects.get(project), environments.get(environmentId)]
    for (const index of own) if (index) yield index
    if (copies && project) yield* ofProject(project)
  }
  const redactorOf = (owner: Owner, copies: boolean) => {
    learn(owner)
    return createRedactor(() => indexesOf(owner, copies))
  }
  return {
    add(owner, secret) {
      learn(owner)
      const { reach } = judgeValue(secret)
      if (reach === 'nowhere') return
      const { projectId, environmentId } = owner
      if (projectId && (reach === 'project' || !environmentId)) indexIn(projects, projectId).add(secret)
      else if (environmentId) indexIn(environments, environmentId).add(secret)
      else everywhere.add(secret)
    },
    addOwn: (secret) => everywhere.add(secret),
    of: (owner) => redactorOf(owner, false),
    ofCopies: (owner) => redactorOf(owner, true),
    host: createRedactor(() => [everywhere, ...projects.values(), ...environments.values()]),
  }
}

function indexIn(indexes: Map<string, SecretIndex>, id: string): SecretIndex {
  const known = indexes.get(id)
  if (known) return known
  const made = createSecretIndex()
  indexes.set(id, made)
  return made
}
