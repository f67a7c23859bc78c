import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where everything the set-up makes is kept: registry, caches, tools, pools. Override with FAIRWAY_HOME. */
export const home = process.env.FAIRWAY_HOME ?? '/var/lib/fairway'

/** A directory below `home`, made when it isn't there. */
export function homeDirectory(...parts: string[]): string {
  const path = join(home, ...parts)
  mkdirSync(path, { recursive: true })
  return path
}
