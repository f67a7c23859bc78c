import type { Stage } from '../../db/tables/projects.ts'
import type { PolicyDocument } from './document.ts'
import { isAllowed } from './glob.ts'

/** What a project's images may stand on, as agents are told and as the server judges; patterns in which * is any text. */
export interface ImageRules {
  readonly registries: readonly string[]
  readonly baseImages: readonly string[]
}

/** @param odooImage what Fairway itself offers (FAIRWAY_ODOO_IMAGE): all that is allowed where the policy names nothing. */
export const imageRulesOf = (
  { registries, baseImages }: Pick<PolicyDocument, 'registries' | 'baseImages'>,
  odooImage: string,
): ImageRules => ({
  registries: registries ?? registriesBeside(baseImages ?? [], odooImage),
  baseImages: baseImages ?? [repositoryOf(odooImage)],
})

/**
 * Where the policy names no registries. A digest alone does not say where the image is: whoever pushes would choose whom the
 * agent asks for it, a service of the host included. Then it is our own registry, or one that another entry names.
 */
function registriesBeside(baseImages: readonly string[], odooImage: string): string[] {
  const named = baseImages.filter((pattern) => !pattern.startsWith('sha256:'))
  if (named.length === baseImages.length) return ['*']
  return [...new Set([odooImage, ...named].map(registryOf))]
}

/**
 * Why the base image may not be used, in one sentence with what to do; undefined when it may. Judged are its repository,
 * its digest, and both; never a tag, which names another image tomorrow. agent/containers/image-rules.ts judges the same.
 */
export function faultOfBaseImage(rules: ImageRules, reference: string): string | undefined {
  const registry = registryOf(reference)
  if (!isAllowed(rules.registries, registry))
    return `the base image ${reference} comes from ${registry}; the policy (registries) allows ${listed(rules.registries)}`
  const repository = repositoryOf(reference)
  const [well, digest] = /^[^@]+(?:@(sha256:[0-9a-f]{64}))?$/.exec(reference) ?? []
  if (!well) return `the base image ${reference} is no reference of an image`
  // With a colon for patterns that allow any tag: registry.example/odoo:*
  const forms = [repository, `${repository}:`, ...(digest ? [digest, `${repository}@${digest}`] : [])]
  if (forms.some((form) => isAllowed(rules.baseImages, form))) return undefined
  const tagged = rules.baseImages.some((pattern) => /:[^/:@*]+$/.test(pattern.replace(/@.*|^sha256:.*/, '')))
  return `the base image ${reference} is none that the policy (baseImages) allows: ${listed(rules.baseImages)}${tagged ? ' (tags are not judged)' : ''}. Who may set policies allows it with baseImages: [${JSON.stringify(repository)}] (fairway policy set)`
}

/** `registry/name:tag` or `registry/name@sha256:…` without tag and digest. */
const repositoryOf = (reference: string): string => reference.split('@', 1)[0]!.replace(/:[^/:]*$/, '')

/** As Docker reads a reference: a first part with a dot, a colon or the name localhost is a registry. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io'
}

export const mayHold = (document: PolicyDocument, stage: Stage, host: string): boolean =>
  isAllowed(document.hosts[stage], host)

/** Whether the host may build what goes to production. */
export const mayBuild = (document: PolicyDocument, host: string): boolean =>
  isAllowed(document.promotion.builders, host)

export const listed = (patterns: readonly string[] | null): string => patterns?.join(', ') || 'none'
