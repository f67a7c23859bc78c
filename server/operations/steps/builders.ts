import { policyInForce } from '../../governance/policy/in-force.ts'
import { mayBuild } from '../../governance/policy/supply.ts'
import { faultOfBuilders, listVouched } from '../../releases/builders.ts'
import type { Engine } from '../../runs/replay.ts'
import { TaskFailed } from '../../runs/types.ts'

/**
 * The digests that this run may take from the registry for what it builds; undefined: whatever is there. A host that the
 * policy names for what goes to production takes what such hosts built themselves, and builds all else anew.
 */
export async function imagesToTrust(
  engine: Engine,
  imageKey: string,
): Promise<readonly string[] | undefined> {
  const { tx, run, project } = engine.state
  const found = await engine.effect('images-to-trust', async () => {
    const { document } = await policyInForce(tx, project.id)
    if (document.promotion.builders === null || run.stage === 'development' || !run.host_id) return null
    const { name } = await tx
      .selectFrom('hosts')
      .select('name')
      .where('id', '=', run.host_id)
      .executeTakeFirstOrThrow()
    return mayBuild(document, name) ? await listVouched(tx, project.id, imageKey, document) : null
  })
  return found ?? undefined
}

/** By the policy as it is now. Throws TaskFailed `builder-not-allowed`. */
export async function requireAllowedBuilder(engine: Engine, digest: string): Promise<void> {
  const { tx, project } = engine.state
  const { document } = await policyInForce(tx, project.id)
  const fault = await faultOfBuilders(tx, project, digest, document)
  if (fault) throw new TaskFailed('builder-not-allowed', fault)
}
