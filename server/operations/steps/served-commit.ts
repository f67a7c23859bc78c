import type { CommitsBetween } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { CommitsRecord } from '../../db/record.ts'
import { findProduction } from '../../releases/production.ts'
import type { Engine } from '../../runs/replay.ts'

/**
 * What production serves, for a build that may take its place: those who approve are shown the commits since. Empty where
 * nothing is live, and for previews, which never get there.
 */
export async function servedCommit({ state: { tx, run, project } }: Engine): Promise<string> {
  if (run.stage === 'development') return ''
  return (await findProduction(tx, project.id))?.deployment.commit ?? ''
}

/** As the agent said it; what it says of itself is for people. */
export const commitsOf = ({
  since,
  added,
  addedCount,
  removed,
  removedCount,
  unknown,
}: CommitsBetween): CommitsRecord => ({
  since,
  added: added.map(lineOf),
  addedCount,
  removed: removed.map(lineOf),
  removedCount,
  ...(unknown && { unknown }),
})

const lineOf = ({ id, author, subject }: CommitsBetween['added'][number]) => ({ id, author, subject })
