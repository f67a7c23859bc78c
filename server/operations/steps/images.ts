import type { Engine } from '../../runs/replay.ts'
import { type BuildActions, TaskFailed } from '../../runs/types.ts'
import { credentialsFor } from './credentials.ts'
import { imageRepositoryOf, listFormerNames } from './image-repositories.ts'
import { imagesInUse } from './images-in-use.ts'
import { type EngineConfig, minutes } from './wording.ts'

/** Images where they are needed, and away where nothing needs them any more: once a run has made one or released one. */
export function imageActions(
  engine: Engine,
  config: EngineConfig,
): Pick<BuildActions, 'fetchImage' | 'collectImages'> {
  const { tx, run, project, organization } = engine.state
  const repositoryOf = (name: string) => imageRepositoryOf(config.registry, organization, name)

  /** What is in use is looked up for each repository: the one before may have taken minutes. */
  async function collectFrom(repository: string, suffix: string, own: string): Promise<readonly string[]> {
    const credentials = await credentialsFor(engine, 'collect-images', ['registry'])
    const inUse = await engine.effect(
      `images-in-use${suffix}`,
      async () => (await imagesInUse(tx, project.id, run.id, new Date())) ?? null,
    )
    if (!inUse) return []
    try {
      const output = await engine.task(
        `collect-images${suffix}`,
        'collectImages',
        {
          imageRepository: repository,
          // Of the whole project: what production serves may be there under a former name.
          keepDigests: [...new Set([...inUse, own])],
          credentials: [...credentials],
        },
        { timeoutMs: minutes(10) },
      )
      return output.removedDigests
    } catch (error) {
      if (!(error instanceof TaskFailed)) throw error
      await engine.warn(`images that nothing needs any more were not removed: ${error.message}`)
      return []
    }
  }

  return {
    async fetchImage(key, reference) {
      const credentials = await credentialsFor(engine, `fetch-image:${key}`, ['registry'])
      await engine.task(
        `fetch-image:${key}`,
        'fetchImage',
        { reference, credentials: [...credentials] },
        { timeoutMs: minutes(30) },
      )
    },

    async collectImages() {
      const { digest, imageBuilt } = engine.record
      if (!digest || (run.kind === 'build' && !imageBuilt)) return
      const collected = new Set<string>()
      const formerNames = await listFormerNames(tx, project, repositoryOf(''))
      for (const name of [project.name, ...formerNames]) {
        // The present name has the plain key, by which runs under way find what they asked for.
        const suffix = name === project.name ? '' : `:${name}`
        for (const removed of await collectFrom(repositoryOf(name), suffix, digest)) collected.add(removed)
      }
      if (collected.size > 0) await engine.note({ collectedImages: [...collected] })
    },
  }
}
