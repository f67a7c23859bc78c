import type Docker from 'dockerode'
import { credentialAdvice } from '../credential-advice.ts'
import { openImageStore } from '../images/image-store.ts'
import { readImage } from '../images/read-image.ts'
import { TaskError } from '../tasks/task.ts'
import { type DockerHost, ifExists, pinnedReference, requireImage, statusOf } from './docker.ts'
import { anonymous, type Registries, registryHostOf, repositoryOf } from './registry-credentials.ts'

export interface ResolvedImage {
  /** `repository@sha256:…` */
  reference: string
  /** `sha256:…` */
  digest: string
}

/**
 * Which image a tag names now, as the registry says; what has a digest already is only taken apart.
 * Falls back to an image of this host when the registry does not answer.
 *
 * @throws TaskError `image-unavailable` when neither knows it, `registry-denied`, `registry-unavailable` when nobody could
 * ask the registry.
 */
export async function resolveImage(
  host: DockerHost,
  reference: string,
  registries: Registries = anonymous,
): Promise<ResolvedImage> {
  const given = /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1]
  if (given) return { reference: `${repositoryOf(reference)}@${given}`, digest: given }
  try {
    const digest = await findInRegistry(host, reference, registries)
    if (digest) return { reference: `${repositoryOf(reference)}@${digest}`, digest }
  } catch (error) {
    if (error instanceof TaskError) throw error
    // Docker does not look for what is no reference at all, and says so here as it did above.
    const local = await ifExists(host.docker.getImage(reference).inspect()).catch(() => undefined)
    if (!local) throw unavailable(reference, error)
    const pinned = pinnedReference(local, reference)
    return { reference: pinned, digest: pinned.replace(/^.*@/, '') }
  }
  throw unavailable(reference, undefined)
}

/**
 * The digest of a tag in its registry; undefined when the registry does not have it.
 *
 * @throws TaskError `registry-denied` when it wants other credentials, or any.
 */
export async function findInRegistry(
  host: DockerHost,
  reference: string,
  registries: Registries = anonymous,
): Promise<string | undefined> {
  const authconfig = registries(reference)
  try {
    const found: { Descriptor?: { digest?: string } } = await host.docker
      .getImage(reference)
      .distribution({ authconfig })
    return found.Descriptor?.digest
  } catch (error) {
    if (isDenied(error, reference)) throw denied(reference, authconfig.password !== '', error)
    // Registries that hide what one may not read answer 403 for what does not exist.
    if ([403, 404].includes(statusOf(error) ?? 0)) return undefined
    throw error
  }
}

/**
 * Docker hands on a registry's refusal under several numbers, and one wording. Addresses are in quotation marks: they, and
 * the image's name, hold any word.
 */
function isDenied(error: unknown, reference: string): boolean {
  const text = (error as Error).message.replace(/"[^"]*"/g, '').replaceAll(repositoryOf(reference), '')
  return (
    statusOf(error) === 401 || /unauthorized|authentication required|no basic auth credentials/i.test(text)
  )
}

function denied(reference: string, presented: boolean, cause: unknown): TaskError {
  const registry = registryHostOf(reference)
  const what = presented ? 'refuses the credentials it was shown' : 'wants credentials'
  return new TaskError(
    'registry-denied',
    `the registry ${registry} ${what} for ${repositoryOf(reference)}: ${credentialAdvice('registry', registry)}`,
    { cause },
  )
}

/** Makes sure the image is here; what it is. Docker pulls nothing whose manifest was not looked at. */
export async function requireByDigest(
  host: DockerHost,
  reference: string,
  signal: AbortSignal,
  registries: Registries = anonymous,
): Promise<Docker.ImageInspectInfo> {
  requirePinned(reference)
  const present = await ifExists(host.docker.getImage(reference).inspect())
  if (!present && reference.includes('@')) {
    const access = { registries, actions: 'pull' } as const
    const store = await openImageStore(host, repositoryOf(reference), access, signal)
    await readImage(store, reference)
  }
  return requireImage(host, reference, signal, registries(reference))
}

/**
 * The same where the registry may want to know who asks: what it refuses is told from what it does not have.
 *
 * @throws TaskError `image-unavailable` when neither it nor this host has the image, `registry-denied`,
 * `registry-unavailable`.
 */
export async function fetchByDigest(
  host: DockerHost,
  reference: string,
  signal: AbortSignal,
  registries: Registries,
): Promise<{ readonly image: Docker.ImageInspectInfo; readonly pulled: boolean }> {
  requirePinned(reference)
  const present = await ifExists(host.docker.getImage(reference).inspect())
  if (!present) {
    const digest = await findInRegistry(host, reference, registries).catch((error: unknown) => {
      throw error instanceof TaskError ? error : unavailable(reference, error)
    })
    if (!digest) throw unavailable(reference, undefined)
  }
  const image = await requireByDigest(host, reference, signal, registries)
  return { image, pulled: !present }
}

function requirePinned(reference: string): void {
  if (!/(@|^)sha256:[0-9a-f]{64}$/.test(reference))
    throw new TaskError('image-not-pinned', `${reference} is no digest: images are only run by digest`)
}

function unavailable(reference: string, cause: unknown): TaskError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  // Docker's number for whatever it could not find out.
  if ((statusOf(cause) ?? 0) >= 500)
    return new TaskError(
      'registry-unavailable',
      `the registry ${registryHostOf(reference)} cannot be asked for ${reference}, which is not on this host${why}; try again later`,
      { cause },
    )
  return new TaskError(
    'image-unavailable',
    `the image ${reference} is neither in its registry nor on this host${why}`,
    { cause },
  )
}
