import type { ReleaseImage } from '../../proto/gen/fairway/v1/releases_pb.js'
import { textOf } from './values.ts'

export const releaseImageJson = (image: ReleaseImage) => ({
  build: image.build || null,
  commit: textOf(image.commit),
  digest: image.digest,
  lockSha256: textOf(image.lockSha256),
  baseImage: textOf(image.baseImage),
  runId: textOf(image.runId),
})
export type ReleaseImageJson = ReturnType<typeof releaseImageJson>
