import type { Engine } from '../replay.ts'
import { type BuildActions, TaskFailed } from '../types.ts'
import { credentialsFor } from './credentials.ts'
import { imagesInUse } from './images-in-use.ts'
import { type EngineConfig, minutes } from './wording.ts'

/** Images where they are needed, and away where nothing needs them any more: once a run has made one or released one. */
export function imageActions(
  engine: Engine,
  config: EngineConfig,
): Pick<BuildActions, 'fetchImage' | 'collectImages'> {
  const { tx, run, project, organization } = engine.state
  return {
    async fetchImage(key, reference) {
      const credentials = await credentialsFor(engine, `fetch-image:${key}`, ['registry'])
      await engine.task(
        `fetch-image:${key}`,
        'fetchImage',
        { reference, credentials: [...credentials] },
        { timeoutMs: minutes(30), attempts: 3 },
      )
    },

    async collectImages() {
      const { digest, imageBuilt } = engine.record
      if (!digest || (run.kind === 'build' && !imageBuilt)) return
      const credentials = await credentialsFor(engine, 'collect-images', ['registry'])
      const inUse = await engine.effect(
        'images-in-use',
        async () => (await imagesInUse(tx, project.id, run.id, new Date())) ?? null,
      )
      if (!inUse) return
      try {
        const output = await engine.task(
          'collect-images',
          'collectImages',
          {
            imageRepository: `${config.registry}/${organization}/${project.name}`,
            keepDigests: [...new Set([...inUse, digest])],
            credentials: [...credentials],
          },
          { timeoutMs: minutes(10), attempts: 3 },
        )
        await engine.note({ collectedImages: output.removedDigests })
      } catch (error) {
        if (!(error instanceof TaskFailed)) throw error
        await engine.warn(`images that nothing needs any more were not removed: ${error.message}`)
      }
    },
  }
}
