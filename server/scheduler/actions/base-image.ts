import { policyInForce } from '../../governance/policy/in-force.ts'
import { faultOfBaseImage } from '../../governance/policy/supply.ts'
import type { Engine } from '../replay.ts'
import { TaskFailed } from '../types.ts'

/** By the policy as it is when it is first asked for under `key`. Throws TaskFailed `base-image-forbidden`. */
export async function requireAllowedBase(engine: Engine, key: string, baseImage: string): Promise<void> {
  const { tx, project } = engine.state
  const forbidden = await engine.effect(key, async () => {
    const { document } = await policyInForce(tx, project.id)
    return faultOfBaseImage(document, baseImage) ?? ''
  })
  if (forbidden) throw new TaskFailed('base-image-forbidden', forbidden)
}
