import { ManifestError, parseManifest, type UnreadFate } from './manifest.ts'
import type { Manifest } from './manifest-fields.ts'

export interface ManifestText {
  /** Names it in errors. */
  readonly file: string
  readonly content: Uint8Array
}

/** What a manifest says, or why it cannot be read. */
export type ReadManifest =
  | { readonly manifest: Manifest }
  | { readonly message: string; readonly odoo: UnreadFate }

/** Many at once, in their order: a repository has hundreds, of a few hundred bytes each. */
export function parseManifests(texts: readonly ManifestText[]): ReadManifest[] {
  return texts.map(({ file, content }) => {
    try {
      return { manifest: parseManifest(content, file) }
    } catch (error) {
      if (error instanceof ManifestError) return { message: error.message, odoo: error.odoo }
      throw error
    }
  })
}
