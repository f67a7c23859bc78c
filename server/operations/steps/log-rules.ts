import { findKnownOfLooks, findProduction } from '../../releases/production.ts'
import type { Source } from '../../releases/source.ts'
import type { Engine } from '../../runs/replay.ts'

/**
 * What of a candidate's log is nothing new, as the smoke task has it: what production logs as well, and what the commit
 * declares. `trial`: it serves nobody, without secrets and without a way out.
 */
export async function logRulesOf(
  engine: Engine,
  knownLog: Source['knownLog'],
  { trial }: { trial: boolean },
) {
  const { tx, project } = engine.state
  const { known, unseen } = await engine.effect(trial ? 'known-log-of-trial' : 'known-log', async () => {
    const production = await findProduction(tx, project.id)
    const known = production && (await findKnownOfLooks(tx, production.environment.id))
    return { known: known ?? [], unseen: production !== undefined && known === undefined }
  })
  return {
    knownFingerprints: known,
    knownLines: knownLog.map((line) => ({ ...line })),
    servingOnly: trial || unseen,
  }
}
