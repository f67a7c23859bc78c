import { policyInForce } from '../../governance/policy/in-force.ts'
import { faultOfBaseImage, type ImageRules, imageRulesOf } from '../../governance/policy/supply.ts'
import type { Engine } from '../../runs/replay.ts'
import { TaskFailed } from '../../runs/types.ts'

/** By the policy as it is now. Agents judge by it before they fetch or run anything of a base image. */
export async function imageRulesFor({ state }: Engine, odooImage: string): Promise<ImageRules> {
  const { document } = await policyInForce(state.tx, state.project.id)
  return imageRulesOf(document, odooImage)
}

/**
 * Whatever an agent said: by the policy as it is when it is first asked for under `key`. Throws TaskFailed
 * `base-image-forbidden`.
 */
export async function requireAllowedBase(
  engine: Engine,
  { key, baseImage, odooImage }: { key: string; baseImage: string; odooImage: string },
): Promise<void> {
  const forbidden = await engine.effect(
    key,
    async () => faultOfBaseImage(await imageRulesFor(engine, odooImage), baseImage) ?? '',
  )
  if (forbidden) throw new TaskFailed('base-image-forbidden', forbidden)
}
