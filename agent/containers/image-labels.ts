/** Key that names the image by its contents; only images of ours have it. */
export const keyLabel = 'dev.fairway.key'

/** Digest of what a project's image stands on: its base image, or that with its packages. */
export const environmentLabel = 'dev.fairway.on'

/** Key of an image that others stand on. */
export const environmentKeyLabel = 'dev.fairway.environment'

export function isOurs(labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labels?.[keyLabel] !== undefined || labels?.[environmentKeyLabel] !== undefined
}

/**
 * A second name of an image in its registry, which says when it was put there: the image itself has no time, so that it is
 * the same whoever builds it.
 */
export const timeTag = (hex: string): string => `made-${Math.floor(Date.now() / 1000)}-${hex.slice(0, 12)}`

/** Undefined for a tag that says no time. */
export function timeOfTag(tag: string): Date | undefined {
  const seconds = /^made-(\d{1,12})-[0-9a-f]+$/.exec(tag)?.[1]
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1000)
}

/** Digest of what an image stands on; before recipe 3 labels had it with its repository. */
export const digestBelow = (
  labels: Readonly<Record<string, string>> | null | undefined,
): string | undefined => /(?:^|@)(sha256:[0-9a-f]{64})$/.exec(labels?.[environmentLabel] ?? '')?.[1]
