import type { Engine } from '../../runs/replay.ts'
import type { BuildActions } from '../../runs/types.ts'
import { runKinds } from '../kinds.ts'
import { credentialsFor } from './credentials.ts'
import { imageRepositoryOf, listFormerNames } from './image-repositories.ts'
import { imagesInUse } from './images-in-use.ts'
import { type EngineConfig, minutes } from './wording.ts'

/** The next run looks again. */
const once = 1
const notRemoved = 'images that nothing needs any more were not removed'

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
    const { removedDigests } = await engine.task(
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
    return removedDigests
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
      if (!digest || (runKinds[run.kind].image === 'makes' && !imageBuilt)) return
      await engine.tidyUp(notRemoved, async () => {
        const collected = new Set<string>()
        // The project may get another name while the run goes on.
        const names = await engine.decide('image-repositories', async () => [
          project.name,
          ...(await listFormerNames(tx, project, repositoryOf(''))),
        ])
        for (const [index, name] of names.entries()) {
          // The present name has the plain key, by which runs under way find what they asked for.
          const suffix = index === 0 ? '' : `:${name}`
          const collect = async () => {
            for (const removed of await collectFrom(repositoryOf(name), suffix, digest))
              collected.add(removed)
          }
          await engine.tidyUp(notRemoved, collect, once)
        }
        if (collected.size > 0) await engine.note({ collectedImages: [...collected] })
      })
    },
  }
}
