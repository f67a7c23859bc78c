/** Key that names the image by its contents; only images of ours have it. */
export const keyLabel = 'dev.fairway.key'

/** What a project's image stands on, by digest: its base image, or that with its packages. */
export const environmentLabel = 'dev.fairway.on'

/** Key of an image that others stand on. */
export const environmentKeyLabel = 'dev.fairway.environment'

export function isOurs(labels: Readonly<Record<string, string>> | null | undefined): boolean {
  return labels?.[keyLabel] !== undefined || labels?.[environmentKeyLabel] !== undefined
}
