import { type Pins, throwPinned } from '../../../lib/repository/pins.ts'
import { requireVersion } from '../../../lib/resolve/base-facts.ts'
import type { ImageRules, ProjectConfig } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { type ImageFacts, readImageFacts } from '../../containers/image-facts.ts'
import { requireAllowed } from '../../containers/image-rules.ts'
import { type ResolvedImage, resolveImage } from '../../containers/images.ts'
import type { Registries } from '../../containers/registry-credentials.ts'
import type { AgentServices } from '../../services.ts'
import type { TaskContext } from '../task.ts'

export interface OpenBase extends ResolvedImage {
  facts: ImageFacts
}

/**
 * The base image at the digest that is pinned for its name, or that its tag names now, and what is in it. Nobody is asked
 * about an image that the rules do not allow.
 */
export async function openBase(
  { docker, workDirectory }: Pick<AgentServices, 'docker' | 'workDirectory'>,
  config: ProjectConfig,
  { pins, rules }: { pins: Pins; rules: ImageRules | undefined },
  registries: Registries,
  context: TaskContext,
): Promise<OpenBase> {
  const pinned = pins.findBase(config.baseImage)
  const name = pinned ? `${config.baseImage.split('@', 1)[0]}@${pinned}` : config.baseImage
  requireAllowed(rules, name)
  const base = await resolveImage(docker, name, registries)
  requireAllowed(rules, base.reference)
  context.log('fairway', `base image ${base.reference}${pinned ? `, pinned in ${pins.from}` : ''}`)
  const reading = readImageFacts(docker, base.reference, workDirectory, context.signal, registries)
  const facts = await (pinned
    ? reading.catch((error: unknown) => throwPinned(error, pins.from, 'image-unavailable'))
    : reading)
  requireVersion(config, facts)
  return { ...base, facts }
}
