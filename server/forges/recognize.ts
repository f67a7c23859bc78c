import type { Forge } from './forge.ts'
import { github } from './github.ts'

/** Who sent it, by its headers, wherever it was sent to. Others that sign as GitHub does are read as GitHub's. */
export function forgeOf(): Forge {
  return github
}
