import { TaskError } from '../tasks/task.ts'
import { parseManifest } from './manifest.ts'
import type { Manifest } from './manifest-fields.ts'

export interface ManifestText {
  /** Names it in errors. */
  readonly file: string
  readonly content: Uint8Array
}

/** What a manifest says, or why it cannot be read. */
export type ReadManifest =
  | { readonly manifest: Manifest }
  | { readonly reason: string; readonly message: string }

/** Many at once, in their order: a repository has hundreds, of a few hundred bytes each. */
export function parseManifests(texts: readonly ManifestText[]): ReadManifest[] {
  return texts.map(({ file, content }) => {
    try {
      return { manifest: parseManifest(content, file) }
    } catch (error) {
      if (error instanceof TaskError) return { reason: error.reason, message: error.message }
      throw error
    }
  })
}
