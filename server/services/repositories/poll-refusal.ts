import type { Selectable } from 'kysely'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import { wrongState } from '../../errors.ts'
import { describePin, type PinColumns, pinOf } from '../projects/repository-pin.ts'

type Project = PinColumns & Pick<Selectable<ProjectsTable>, 'name' | 'repository_claim'>

/**
 * Why nobody may go by what git says of the project's repository; undefined where it may be asked. Git says no ids: somebody
 * else who has the name by now answers as well, while the deliveries of theirs are refused.
 */
export function findPollRefusal(project: Project): Error | undefined {
  const { name } = project
  const pin = pinOf(project)
  if (pin)
    return wrongState(
      'repository-pinned',
      `${name} is not polled: its repository is pinned (${describePin(pin)}), and git says no ids, so a poll can't tell whether ` +
        `it still is that one. Let the git server deliver (fairway project webhook show ${name}), and turn polling off ` +
        `(fairway project update ${name} --poll off).`,
    )
  if (project.repository_claim === null) return undefined
  return wrongState(
    'repository-claimed',
    `${name} is not polled: a delivery of another repository was refused and waits for an owner's word ` +
      `(fairway project show ${name}), and git says no ids, so a poll can't tell which of the two it asks.`,
  )
}
