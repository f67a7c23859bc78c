import type { Selectable } from 'kysely'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import { type Heads, isAnotherRepository, type KnownBranch } from './find-changes.ts'

type Project = Selectable<ProjectsTable>

const sayWhere = ({ name, repository_url }: Project): string =>
  `fairway project update ${name} --repository ${repository_url}`

/** As the whole repository is hardly ever emptied, and everything of its branches would go. */
class NothingLeft extends Error {
  constructor(project: Project) {
    super(
      'The repository has no branches any more, where it had some: it may have been made anew or emptied. Nothing is taken ' +
        `for deleted; push a branch, or an owner says where it is (${sayWhere(project)}).`,
    )
  }
}

/** Whoever has the name now would have their code built, and the former branches' environments would go. */
export class AnotherRepository extends Error {
  constructor(project: Project) {
    super(
      'No branch is at a commit that any branch was at before: it may be another repository under the same name. Nothing is ' +
        `built, and nothing taken for deleted. If it is right, an owner says so (${sayWhere(project)}), and polling begins ` +
        'anew with what is there.',
    )
  }
}

interface Answer {
  readonly heads: Heads
  readonly before: Heads | undefined
  readonly known: ReadonlyMap<string, KnownBranch>
}

/** Throws where the answer is hardly one of the project's repository as it was: an owner is to look at it. */
export function requireBelievable(project: Project, answer: Answer): void {
  const { heads, before = {} } = answer
  if (Object.keys(heads).length === 0 && Object.keys(before).length > 0) throw new NothingLeft(project)
  if (isAnotherRepository(answer)) throw new AnotherRepository(project)
}
