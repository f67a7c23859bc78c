import { createHash } from 'node:crypto'
import { initdbArguments } from '../containers/postgres-settings.ts'

/** Another way to make a base of the same images raises it. */
const recipeVersion = 1

/** All that decides what is in a base. */
export interface BaseRecipe {
  /** Odoo's image as it is published, repository@sha256:… */
  readonly image: string
  /** As the cell keeps it: by digest. */
  readonly postgresImage: string
  readonly postgresMajor: number
  readonly demo: boolean
}

/** The same recipe, the same id: a UUID of version 8 (RFC 9562) from the recipe's SHA-256, which is its snapshot's id. */
export function baseIdOf({ image, postgresImage, postgresMajor, demo }: BaseRecipe): string {
  const recipe = [recipeVersion, image, postgresImage, demo, initdbArguments('', postgresMajor)]
  const hex = createHash('sha256').update(JSON.stringify(recipe)).digest('hex')
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
