import type Docker from 'dockerode'
import { credentialAdvice } from '../credential-advice.ts'
import { TaskError } from '../tasks/task.ts'
import { type DockerHost, ifExists, pinnedReference, requireImage, statusOf } from './docker.ts'
import { anonymous, type Registries, registryHostOf } from './registry-credentials.ts'

export interface ResolvedImage {
  /** `repository@sha256:…` */
  reference: string
  /** `sha256:…` */
  digest: string
}

/** `registry/name:tag` or `registry/name@sha256:…` without tag and digest. */
export function repositoryOf(reference: string): string {
  return reference.split('@', 1)[0]!.replace(/:[^/:]*$/, '')
}

/**
 * Which image a tag names now, as the registry says; what has a digest already is only taken apart.
 * Falls back to an image of this host when the registry does not answer.
 *
 * @throws TaskError `image-unavailable` when neither knows it, `registry-denied`.
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
    if (isDenied(error)) throw denied(reference, authconfig.password !== '', error)
    // Registries that hide what one may not read answer 403 for what does not exist.
    if ([403, 404].includes(statusOf(error) ?? 0)) return undefined
    throw error
  }
}

/** Docker hands on a registry's refusal under several numbers, and one wording. */
function isDenied(error: unknown): boolean {
  const text = (error as Error).message
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

/** Pushes a tag and answers the digest under which the registry holds it. */
export async function pushImage(
  host: DockerHost,
  reference: string,
  onLine: (line: string) => void,
  signal: AbortSignal,
  registries: Registries = anonymous,
): Promise<ResolvedImage> {
  const authconfig = registries(reference)
  let digest: string | undefined
  try {
    const stream = await host.docker.getImage(reference).push({ authconfig, abortSignal: signal })
    await followProgress(
      host,
      stream,
      (event) => {
        digest = event.aux?.Digest ?? digest
        if (event.status && !event.progress && !event.id) onLine(event.status)
      },
      'image-push-failed',
      signal,
    )
  } catch (error) {
    if (isDenied(error)) throw denied(reference, authconfig.password !== '', error)
    throw error
  }
  digest ??= await findInRegistry(host, reference, registries)
  if (!digest)
    throw new TaskError('image-push-failed', `${reference} was pushed, but the registry does not have it`)
  return { reference: `${repositoryOf(reference)}@${digest}`, digest }
}

export interface ProgressEvent {
  stream?: string
  status?: string
  id?: string
  progress?: string
  aux?: { Digest?: string; ID?: string }
  error?: string
}

/** Reads the events of a build, push or pull to their end. */
export async function followProgress(
  host: DockerHost,
  stream: NodeJS.ReadableStream,
  onEvent: (event: ProgressEvent) => void,
  reason: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) =>
      host.docker.modem.followProgress(
        stream,
        (error: Error | null) => (error ? reject(error) : resolve()),
        (event: ProgressEvent) => onEvent(event),
      ),
    )
  } catch (error) {
    signal.throwIfAborted()
    throw new TaskError(reason, `${(error as Error).message}`, { cause: error })
  }
  signal.throwIfAborted()
}

/** Makes sure the image is here; what it is. */
export function requireByDigest(
  host: DockerHost,
  reference: string,
  signal: AbortSignal,
  registries: Registries = anonymous,
): Promise<Docker.ImageInspectInfo> {
  requirePinned(reference)
  return requireImage(host, reference, signal, registries(reference))
}

/**
 * The same where the registry may want to know who asks: what it refuses is told from what it does not have.
 *
 * @throws TaskError `image-unavailable` when neither it nor this host has the image, `registry-denied`.
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
  const image = await requireImage(host, reference, signal, registries(reference))
  return { image, pulled: !present }
}

function requirePinned(reference: string): void {
  if (!/(@|^)sha256:[0-9a-f]{64}$/.test(reference))
    throw new TaskError('image-not-pinned', `${reference} is no digest: images are only run by digest`)
}

function unavailable(reference: string, cause: unknown): TaskError {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  return new TaskError(
    'image-unavailable',
    `the image ${reference} is neither in its registry nor on this host${why}`,
    { cause },
  )
}
