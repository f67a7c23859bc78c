import type { Stage } from '../../db/tables/projects.ts'
import type { PolicyDocument } from './document.ts'
import { isAllowed } from './glob.ts'

/** Why the base image may not be used, in one sentence; undefined when it may. */
export function faultOfBaseImage(document: PolicyDocument, reference: string): string | undefined {
  const registry = registryOf(reference)
  if (!isAllowed(document.registries, registry)) {
    return `the base image ${reference} comes from ${registry}; the policy (registries) allows ${listed(document.registries)}`
  }
  const { baseImages } = document
  const digest = reference.split('@')[1] ?? ''
  const name = reference.split('@')[0] ?? ''
  if (![reference, name, digest].some((form) => form !== '' && isAllowed(baseImages, form))) {
    return `the base image ${reference} is none that the policy (baseImages) allows: ${listed(baseImages)}`
  }
  return undefined
}

/** As Docker reads a reference: a first part with a dot, a colon or the name localhost is a registry. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io'
}

export const mayHold = (document: PolicyDocument, stage: Stage, host: string): boolean =>
  isAllowed(document.hosts[stage], host)

export const listed = (patterns: readonly string[] | null): string => patterns?.join(', ') || 'none'
