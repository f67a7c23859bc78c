import Docker from 'dockerode'
import { TaskError } from '../tasks/task.ts'
import { requireHarmless } from './harmless-image.ts'
import type { RegistryAuth } from './registry-credentials.ts'

/** Docker as this agent sees it. The socket is root: nobody but the agent holds it. */
export interface DockerHost {
  readonly docker: Docker
  /** Stamped on everything we make; we never touch what does not carry it. */
  readonly agentId: string
  /** IPv4 range of our own from which cell networks are cut, `10.213.0.0/16`. */
  readonly networkRange: string
}

export interface DockerOptions {
  agentId: string
  socketPath?: string
  networkRange?: string
}

/** Its calls reject with TaskError `unavailable` when nobody answers at the socket. */
export function createDockerHost(options: DockerOptions): DockerHost {
  const socketPath = options.socketPath ?? '/var/run/docker.sock'
  const docker = new Docker({ socketPath })
  const dial = docker.modem.dial.bind(docker.modem)
  docker.modem.dial = (request, done) =>
    dial(request, (error, answer) => done?.(nameDocker(error, socketPath), answer))
  return {
    docker,
    agentId: options.agentId,
    networkRange: options.networkRange ?? '10.213.0.0/16',
  }
}

/** The system's own words name neither Docker nor what to do. */
function nameDocker(error: Error | null, socketPath: string): Error | null {
  if (error === null || (error as NodeJS.ErrnoException).syscall !== 'connect') return error
  const text = `Docker does not answer at ${socketPath}: is it running? (${error.message})`
  return new TaskError('unavailable', text, { cause: error })
}

export type ContainerRole = 'postgres' | 'odoo' | 'inspection' | 'task' | 'proxy'

/** What a container or network is for. Ids, never names that people chose. */
export interface Purpose {
  role?: ContainerRole
  cell?: string
  environment?: string
  runtime?: string
  task?: string
  epoch?: number
}

/** Labels of a container, network or image of ours: `fairway.agent`, `fairway.role`, `fairway.cell`, … */
export function labelsFor(host: DockerHost, purpose: Purpose): Record<string, string> {
  const labels: Record<string, string> = { 'fairway.agent': host.agentId }
  for (const [key, value] of Object.entries(purpose)) {
    if (value !== undefined) labels[`fairway.${key}`] = String(value)
  }
  return labels
}

export interface Hardening {
  memoryBytes: number
  /** Thousandths of a CPU. 0: no limit. */
  milliCpus?: number
  maxProcesses: number
  /** What production needs is the last that the kernel ends when the host runs out of memory. */
  production?: boolean
}

/**
 * The part of a HostConfig that every container of ours has: no capabilities, no new privileges, limits, an init that
 * reaps, rotated logs (an unbounded json-file log fills the disk). The user must be set beside it: never root.
 */
export function hardenedHostConfig(limits: Hardening): Docker.HostConfig {
  return {
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    Privileged: false,
    Init: true,
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    ...(!limits.production && { OomScoreAdj: 500 }),
    NanoCpus: (limits.milliCpus ?? 0) * 1_000_000,
    PidsLimit: limits.maxProcesses,
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
  }
}

export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** Awaits a Docker call and answers undefined when what it names does not exist. */
export async function ifExists<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

export function findContainer(
  host: DockerHost,
  nameOrId: string,
): Promise<Docker.ContainerInspectInfo | undefined> {
  return ifExists(host.docker.getContainer(nameOrId).inspect())
}

/** Containers of this agent, running or not, that carry all the given labels. */
export function listContainers(host: DockerHost, purpose: Purpose = {}): Promise<Docker.ContainerInfo[]> {
  const label = Object.entries(labelsFor(host, purpose)).map(([key, value]) => `${key}=${value}`)
  return host.docker.listContainers({ all: true, filters: { label } })
}

/** Makes a container without starting it; one of that name is fine. */
export async function createContainer(
  host: DockerHost,
  options: Docker.ContainerCreateOptions & { name: string },
): Promise<Docker.Container> {
  await unlessConflict(host.docker.createContainer(options))
  return host.docker.getContainer(options.name)
}

/** Makes a bridge network of this agent; one of that name is fine. */
export async function createNetwork(
  host: DockerHost,
  options: Omit<Docker.NetworkCreateOptions, 'Labels'>,
  purpose: Purpose = {},
): Promise<void> {
  const labels = labelsFor(host, purpose)
  await unlessConflict(
    host.docker.createNetwork({ CheckDuplicate: true, Driver: 'bridge', ...options, Labels: labels }),
  )
}

/** Puts a container on a network; one that is on it already is fine. */
export async function joinNetwork(host: DockerHost, network: string, container: string): Promise<void> {
  try {
    await host.docker.getNetwork(network).connect({ Container: container })
  } catch (error) {
    if (!/already exists in network/.test((error as Error).message)) throw error
  }
}

/** Docker's answer to a name that is taken, and to removing what is being removed. */
async function unlessConflict(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (statusOf(error) !== 409) throw error
  }
}

/** Starts a container; one that runs already is fine. */
export async function startContainer(container: Docker.Container): Promise<void> {
  try {
    await container.start()
  } catch (error) {
    if (statusOf(error) !== 304) throw error
  }
}

/**
 * Stops a container by its stop signal and waits; after `graceSeconds` Docker kills it. One that does not run or does not
 * exist is fine. Not abortable on purpose: a stop that was begun ends within its grace.
 */
export async function stopContainer(host: DockerHost, nameOrId: string, graceSeconds = 10): Promise<void> {
  try {
    await ifExists(host.docker.getContainer(nameOrId).stop({ t: graceSeconds }))
  } catch (error) {
    if (statusOf(error) !== 304) throw error
  }
}

/** Stops and removes a container and its anonymous volumes; one that is gone (or going) is fine. */
export async function stopAndRemove(host: DockerHost, nameOrId: string, graceSeconds = 10): Promise<void> {
  await stopContainer(host, nameOrId, graceSeconds)
  await unlessConflict(ifExists(host.docker.getContainer(nameOrId).remove({ force: true, v: true })))
}

/** The last lines a container wrote, both streams, oldest first. */
export async function tailLogs(host: DockerHost, nameOrId: string, lines: number): Promise<string[]> {
  const logs = host.docker.getContainer(nameOrId).logs({ stdout: true, stderr: true, tail: lines })
  const raw = await ifExists(logs as Promise<unknown> as Promise<Buffer>)
  return raw === undefined ? [] : parseFrames(raw).split('\n').filter(Boolean).slice(-lines)
}

/** Docker's multiplexed stream of a container without a terminal: 8 bytes of header, then the payload. */
function parseFrames(raw: Buffer): string {
  const parts: Buffer[] = []
  for (let at = 0; at + 8 <= raw.length; ) {
    const size = raw.readUInt32BE(at + 4)
    parts.push(raw.subarray(at + 8, at + 8 + size))
    at += 8 + size
  }
  return Buffer.concat(parts).toString('utf8')
}

/**
 * Makes sure that an image is on this host, pulling it if it is not, and tells what it is. Whoever uses an image asks here.
 *
 * @throws TaskError `image-unavailable` when the registry does not have it or does not answer, `image-refused` for one
 * that may not be used.
 */
export async function requireImage(
  host: DockerHost,
  reference: string,
  signal?: AbortSignal,
  authconfig?: RegistryAuth,
): Promise<Docker.ImageInspectInfo> {
  const image = await pullIfMissing(host, reference, signal, authconfig)
  requireHarmless(image, reference)
  return image
}

async function pullIfMissing(
  host: DockerHost,
  reference: string,
  signal?: AbortSignal,
  authconfig?: RegistryAuth,
): Promise<Docker.ImageInspectInfo> {
  const image = host.docker.getImage(reference)
  const present = await ifExists(image.inspect())
  if (present) return present
  try {
    const stream = await host.docker.pull(reference, {
      ...(signal && { abortSignal: signal }),
      ...(authconfig && { authconfig }),
    })
    await new Promise<void>((resolve, reject) =>
      host.docker.modem.followProgress(stream, (error: Error | null) => (error ? reject(error) : resolve())),
    )
    return await image.inspect()
  } catch (error) {
    signal?.throwIfAborted()
    throw new TaskError(
      'image-unavailable',
      `image ${reference} is not on this host and could not be pulled: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

/** The image by digest (`repository@sha256:…`), or by its id when it never was in a registry. */
export function pinnedReference(image: Docker.ImageInspectInfo, reference: string): string {
  const repository = reference.split('@', 1)[0]!.replace(/:[^/:]*$/, '')
  const digests = image.RepoDigests ?? []
  return digests.find((digest) => digest.startsWith(`${repository}@`)) ?? digests[0] ?? image.Id
}
