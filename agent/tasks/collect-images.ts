import { create } from '@bufbuild/protobuf'
import { CollectImagesOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { collectHostImages } from '../containers/collect-host-images.ts'
import { collectRegistryImages } from '../containers/collect-registry-images.ts'
import { registriesOf } from '../containers/registry-credentials.ts'
import type { AgentServices } from '../services.ts'
import { secretsOf, TaskError, type TaskHandler } from './task.ts'

type Services = Pick<AgentServices, 'docker'>

export interface CollectOptions {
  /** Younger images stay: a build that is not on record yet may have just made them. */
  readonly minAgeMs?: number
}

/**
 * Removes a project's images that nothing needs any more, on this host and in the registry. What is kept by digest stays
 * under any name, what a container here was made from stays as well, and so does what those stand on. Images of others are
 * not looked at. May be stopped anywhere and run again.
 */
export function collectImages(
  { docker }: Services,
  { minAgeMs = 3_600_000 }: CollectOptions = {},
): TaskHandler<'collectImages'> {
  return async (input, context) => {
    const { imageRepository: repository } = input
    const bad = input.keepDigests.find((digest) => !/^sha256:[0-9a-f]{64}$/.test(digest))
    if (bad !== undefined || !/^[a-z0-9][a-z0-9._:-]*(\/[a-z0-9._-]+)+$/.test(repository))
      throw new TaskError(
        'bad-input',
        `${(bad ?? repository).slice(0, 100)} is no digest or image repository`,
      )
    const registries = registriesOf(await secretsOf(context, input.credentials))
    const plan = { repository, before: new Date(Date.now() - minAgeMs), signal: context.signal }
    const host = await collectHostImages(docker, context, plan, new Set(input.keepDigests))
    const removed = new Set(host.removed)
    try {
      const inRegistry = await collectRegistryImages(docker, context, plan, host.kept, registries(repository))
      for (const digest of inRegistry) removed.add(digest)
    } catch (error) {
      if (!(error instanceof TaskError)) throw error
      context.warn(`images in the registry were not collected: ${error.message}`)
    }
    return create(CollectImagesOutputSchema, {
      removedDigests: [...removed].sort(),
      freedBytes: BigInt(host.freedBytes),
    })
  }
}
