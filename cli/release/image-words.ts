import type { ReleaseImageJson } from '../json/release-image.ts'
import { oneLine } from '../table.ts'

/** Enough of a digest to tell images apart. */
export const shortDigest = (digest: string): string => oneLine(digest.replace(/^sha256:/, '')).slice(0, 12)

/** `build 41, commit 4f2a9c1d22`; `nothing` where nothing is served. */
export function imageWords(image: ReleaseImageJson | null): string {
  if (!image) return 'nothing'
  const build = image.build === null ? `image ${shortDigest(image.digest)}` : `build ${image.build}`
  return image.commit ? `${build}, commit ${oneLine(image.commit).slice(0, 10)}` : build
}
