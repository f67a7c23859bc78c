import { create } from '@bufbuild/protobuf'
import { FetchImageOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { fetchByDigest } from '../containers/images.ts'
import { registriesOf } from '../containers/registry-credentials.ts'
import type { AgentServices } from '../services.ts'
import { formatBytes } from '../storage/space.ts'
import { secretsOf, type TaskHandler } from './task.ts'

/** The tasks that run an image have no credentials: what is released, or started again, is fetched before. */
export function fetchImage({ docker }: Pick<AgentServices, 'docker'>): TaskHandler<'fetchImage'> {
  return async ({ reference, credentials }, context) => {
    const registries = registriesOf(await secretsOf(context, credentials))
    const { image, pulled } = await fetchByDigest(docker, reference, context.signal, registries)
    if (pulled) context.log('fairway', `the image was not on this host: fetched ${formatBytes(image.Size)}`)
    return create(FetchImageOutputSchema, { pulled, sizeBytes: BigInt(image.Size) })
  }
}
