import { matchesGlob } from '../../lib/glob/matches-glob.ts'
import type { ImageRules } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskError } from '../tasks/task.ts'
import { registryHostOf, repositoryOf } from './registry-credentials.ts'

/**
 * Whether the project's policy lets an image stand on this one, asked before anything of it is fetched or run. Judged are
 * its repository, its digest, and both; never a tag, which names another image tomorrow. The server judges the same again
 * (server/governance/policy/supply.ts).
 *
 * A tag whose digest only the registry knows passes where a digest could make it allowed, and is asked about again by
 * digest: until then nothing but the registry's answer was taken.
 *
 * @param rules as the task brought them. Servers from before they existed send none: nothing is allowed then.
 * @throws TaskError `base-image-forbidden`.
 */
export function requireAllowed(
  rules: Pick<ImageRules, 'registries' | 'baseImages'> | undefined,
  reference: string,
): void {
  if (!rules)
    throw forbidden(
      reference,
      'the server did not say which base images the policy allows: it is older than this agent, update it first',
    )
  const { registries, baseImages } = rules
  const registry = registryHostOf(reference)
  if (!matchesAny(registries, registry))
    throw forbidden(
      reference,
      `it comes from ${registry}, and the policy (registries) allows ${listed(registries)}`,
    )
  const repository = repositoryOf(reference)
  const [well, digest] = /^[^@]+(?:@(sha256:[0-9a-f]{64}))?$/.exec(reference) ?? []
  if (!well) throw forbidden(reference, 'that is no reference of an image')
  // With a colon for patterns that allow any tag: registry.example/odoo:*
  const forms = [repository, `${repository}:`, ...(digest ? [digest, `${repository}@${digest}`] : [])]
  if (forms.some((form) => matchesAny(baseImages, form))) return
  if (!digest && baseImages.some((pattern) => mayNameDigestOf(pattern, repository))) return
  throw forbidden(
    reference,
    `the policy (baseImages) allows ${listed(baseImages)}. Who may set policies allows it with baseImages: [${JSON.stringify(repository)}] (fairway policy set)`,
  )
}

const mayNameDigestOf = (pattern: string, repository: string): boolean =>
  pattern.startsWith('sha256:') ||
  (pattern.includes('@') && matchesGlob(pattern.split('@', 1)[0]!, repository))

const forbidden = (reference: string, why: string) =>
  new TaskError('base-image-forbidden', `the base image ${reference} may not be used: ${why}`)

const listed = (patterns: readonly string[]) => patterns.join(', ') || 'none'

const matchesAny = (patterns: readonly string[], text: string) =>
  patterns.some((pattern) => matchesGlob(pattern, text))
