import { describe, isEmpty } from '../releases/changes.ts'
import type { Image, Source } from '../releases/source.ts'
import type { BuildActions } from '../scheduler/types.ts'
import { changesBetween } from './changes.ts'
import { replaceCell } from './serve.ts'

/**
 * Staging: every build runs on a fresh clone of production. The clone is isolated from the start; it is neutralized
 * before its modules are updated (so that no code of this commit meets live credentials) and again afterwards (so
 * that what the update brought in is covered), and only when SQL has proved it may anything reach it.
 */
export async function buildStaging(run: BuildActions, source: Source, image: Image): Promise<void> {
  await replaceCell(run, source, image, async (cellId) => {
    const { deployment } = await run.cloneProduction(cellId)
    const changes = changesBetween(deployment, source)
    await run.neutralize(cellId, image, source)
    if (!isEmpty(changes)) {
      const { update } = await run.applyModules(cellId, image.reference, changes, {
        key: 'update',
        testTags: source.testTags,
        expectInstalled: source.modules,
        observe: true,
      })
      await run.note({ update })
    }
    await run.proveNeutralized(cellId, image, source)
    await run.note({ updatedModules: [...changes.install, ...changes.update] })
    run.summarize(`fresh clone of production, neutralized; ${describe(changes)}`)
  })
}
