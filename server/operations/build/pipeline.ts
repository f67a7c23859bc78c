import type { BuildActions, Pipeline } from '../../runs/types.ts'
import { release } from '../parts/production.ts'
import { buildDevelopment } from './development.ts'
import { buildStaging } from './staging.ts'

/**
 * From a commit to a running Odoo: resolve · image · database · deploy · smoke · record.
 * The first two are the same for every stage; what happens to the database is what makes a stage.
 * The last, the record, is the engine's: it closes every run, also one that failed.
 */
export const build: Pipeline<BuildActions> = async (run) => {
  const source = await run.step('resolve', () => run.resolve())
  const image = await run.step('image', () => run.image(source))
  await stages[run.stage](run, source, image)
  await run.collectImages()
}

const stages = { production: release, staging: buildStaging, development: buildDevelopment }
