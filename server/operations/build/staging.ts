import { describe, isEmpty } from '../../releases/changes.ts'
import type { Image, Source } from '../../releases/source.ts'
import type { BuildActions } from '../../runs/types.ts'
import { changesBetween } from '../parts/changes.ts'
import { replaceCell } from '../parts/serve.ts'

/**
 * Staging: every build runs on a fresh clone of production. The clone is isolated from the start. Before any code of this
 * commit meets it, the agent itself and the image that production runs neutralize it, and that is proved; after the
 * modules are updated it is neutralized and proved again, for what the update brought in. Only then may anything reach
 * it: the agent sees to that by its own records.
 */
export async function buildStaging(run: BuildActions, source: Source, image: Image): Promise<void> {
  await replaceCell(run, source, image, async (cellId) => {
    const { deployment, contents } = await run.cloneProduction(cellId)
    const changes = await run.decide('changes', () => changesBetween(contents, source))
    await run.fetchImage('production', deployment.image)
    await run.neutralizeAsProduction(cellId, deployment)
    if (!isEmpty(changes)) {
      const { update } = await run.applyModules(cellId, image.reference, changes, {
        key: 'update',
        testTags: source.testTags,
        expectInstalled: source.modules,
        code: source,
        planned: contents,
        observe: true,
        variables: source.variables,
      })
      await run.note({ update })
    }
    await run.proveNeutralized(cellId, image, source)
    await run.note({ updatedModules: [...changes.install, ...changes.update] })
    run.summarize(`fresh clone of production, neutralized; ${describe(changes)}`)
  })
}
