import { join } from 'node:path'
import type { ProjectConfig } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type ImageFacts, readImageFacts } from '../../containers/image-facts.ts'
import { type ResolvedImage, resolveImage } from '../../containers/images.ts'
import type { Registries } from '../../containers/registry-credentials.ts'
import type { Pins } from '../../repository/pins.ts'
import type { AgentServices } from '../../services.ts'
import { type TaskContext, TaskError } from '../task.ts'

export interface OpenBase extends ResolvedImage {
  facts: ImageFacts
}

/** The base image at the digest that is pinned for its name, or that its tag names now, and what is in it. */
export async function openBase(
  { docker, workDirectory }: Pick<AgentServices, 'docker' | 'workDirectory'>,
  config: ProjectConfig,
  pins: Pins,
  registries: Registries,
  context: TaskContext,
): Promise<OpenBase> {
  const pinned = pins.findBase(config.baseImage)
  const name = pinned ? `${config.baseImage.replace(/@.*$/, '')}@${pinned}` : config.baseImage
  const base = await resolveImage(docker, name, registries)
  context.log('fairway', `base image ${base.reference}${pinned ? `, pinned in ${pins.from}` : ''}`)
  const facts = await readImageFacts(
    docker,
    base.reference,
    join(workDirectory, 'images'),
    context.signal,
    registries,
  ).catch((error: unknown) => {
    if (!pinned || !(error instanceof TaskError) || error.reason !== 'image-unavailable') throw error
    const advice = `it is pinned in ${pins.from}: run \`fairway lock --update\``
    throw new TaskError(error.reason, `${error.message}; ${advice}`, { cause: error })
  })
  requireVersion(config, facts)
  return { ...base, facts }
}

function requireVersion(config: ProjectConfig, facts: ImageFacts): void {
  if (!config.odooVersion || !facts.odooVersion || config.odooVersion === facts.odooVersion) return
  throw new TaskError(
    'version-mismatch',
    `the project is for Odoo ${config.odooVersion}, but the base image ${config.baseImage} holds Odoo ${facts.odooVersion}: change one of them in fairway.yaml`,
  )
}
