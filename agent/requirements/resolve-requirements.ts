import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { readCached, writeCached } from '../cached-json.ts'
import { type EnvironmentPlace, ensureAptImage } from '../containers/environment.ts'
import { type ImageFacts, readImageFacts } from '../containers/image-facts.ts'
import { registriesOf, requireRepository } from '../containers/registry-credentials.ts'
import type { AllowEntry } from '../egress/allow-list.ts'
import type { LockedApt, LockedPackages } from '../repository/lock.ts'
import type { Secrets, TaskContext } from '../tasks/task.ts'
import { resolveApt } from './apt.ts'
import { pythonIndexOf } from './index-credentials.ts'
import { type ModuleNeeds, pythonOfModules, requirePrograms } from './module-requirements.ts'
import { type PackageServices, type PinnedPython, resolvePython } from './pip.ts'
import { describeRequirement, type Requirement } from './requirement.ts'
import { type RequirementsFile, readRequirements } from './requirements-file.ts'

export interface RequirementsRequest {
  /** The assembled source, its files of requirements, and an empty place of the task beside it. */
  readonly files: string
  readonly requirementsFiles: readonly RequirementsFile[]
  readonly directory: string
  /** For what can be made again. */
  readonly workDirectory: string
  /** By digest, and what is in it. */
  readonly baseImage: string
  readonly facts: ImageFacts
  /** Those of the project's modules that are installed, and which of all were asked for. */
  readonly modules: readonly ModuleNeeds[]
  chainOf(module: string): readonly string[]
  /** Of fairway.yaml. */
  readonly config: { readonly apt: readonly string[]; readonly pythonIndex: string }
  /** Of a lock; empty lists where there is none. */
  readonly pins: Pick<LockedPackages, 'python' | 'apt'>
  /** Newest versions, whatever was resolved before. */
  readonly refresh: boolean
  readonly secrets: Secrets
  /** The project's own in the registry. */
  readonly repository: string
  /** `network.allow` of the project's policy. */
  readonly allow: readonly AllowEntry[]
}

export interface ResolvedRequirements extends LockedPackages {
  python: readonly PinnedPython[]
}

const pinnedSchema = z.array(z.object({ name: z.string(), version: z.string() }))
const pythonSchema = z.array(
  z.object({
    name: z.string(),
    version: z.string(),
    hashes: z.array(z.string()),
    askedBy: z.array(z.string()),
  }),
)

const dayMs = 24 * 3_600_000

/**
 * The packages that an image needs beside those of its base, pinned: Debian's of fairway.yaml, Python's of
 * requirements.txt and of the modules' manifests. Nothing of the project is run. The same question is answered from memory,
 * for a day where Debian packages are asked for, whose older versions leave the mirrors.
 *
 * @throws TaskError `requirements-invalid`, `binary-missing`, `apt-…`, `python-…`.
 */
export async function resolveRequirements(
  services: PackageServices,
  context: TaskContext,
  request: RequirementsRequest,
): Promise<ResolvedRequirements> {
  const { config, modules, pins } = request
  const apt = await remember(request, ['apt', config.apt, pins.apt], pinnedSchema, dayMs, async () =>
    config.apt.length > 0
      ? resolveApt(services, context, request.baseImage, config.apt, pins.apt, request.allow)
      : [],
  )
  warnDrift(pins.apt, apt, config.apt, context)
  const facts = await factsWithApt(services, context, request, apt)
  requirePrograms(modules, facts.executables, request.chainOf)
  const file = await readRequirements(request.files, request.requirementsFiles, (text) => context.warn(text))
  const requirements = [...file.requirements, ...pythonOfModules(modules, facts)].filter(
    ({ name, plain }) => !plain || !(name in facts.distributions),
  )
  const python =
    requirements.length > 0
      ? await pinPython(services, context, request, apt, facts, requirements, file.constraints)
      : []
  if (apt.length + python.length > 0)
    context.log(
      'fairway',
      `${apt.length} Debian and ${python.length} Python packages beside the base image's`,
    )
  return { apt, python, pythonIndex: config.pythonIndex }
}

async function pinPython(
  services: PackageServices,
  context: TaskContext,
  request: RequirementsRequest,
  apt: readonly LockedApt[],
  facts: ImageFacts,
  requirements: readonly Requirement[],
  constraints: readonly Requirement[],
): Promise<PinnedPython[]> {
  const index = pythonIndexOf(request.config.pythonIndex, request.secrets)
  const from = { allow: request.allow, index }
  const asked = (list: readonly Requirement[]) => list.map((one) => [describeRequirement(one), ...one.hashes])
  const pins = request.pins.python.map(({ name, version }) => ({ name, version }))
  // What an index shows to one project is no answer to another.
  const shownTo = index.login ? context.project : ''
  const key = ['python', apt, asked(requirements), asked(constraints), pins, index.url, shownTo]
  return remember(request, key, pythonSchema, undefined, async () => {
    const image = await aptImage(services, context, request, apt)
    const place = { image, uid: facts.uid, gid: facts.gid, directory: join(request.directory, 'pip') }
    return resolvePython(services, context, place, { requirements, constraints, pins, from })
  })
}

async function factsWithApt(
  services: PackageServices,
  context: TaskContext,
  request: RequirementsRequest,
  apt: readonly LockedApt[],
): Promise<ImageFacts> {
  if (apt.length === 0) return request.facts
  const image = await aptImage(services, context, request, apt)
  return readImageFacts(services.docker, image, request.workDirectory, context.signal)
}

function aptImage(
  { docker, packages }: PackageServices,
  context: TaskContext,
  { allow, baseImage, directory, repository, secrets }: RequirementsRequest,
  apt: readonly LockedApt[],
): Promise<string> {
  requireRepository(repository)
  const onLine = (line: string) => context.log('docker', line)
  const usePackages: EnvironmentPlace['usePackages'] = (step) => packages.use(context, { allow }, step)
  const registries = registriesOf(secrets)
  const place = { baseImage, repository, directory, registries, context, onLine, usePackages }
  return ensureAptImage(docker, place, apt)
}

async function remember<T>(
  { baseImage, refresh, workDirectory }: RequirementsRequest,
  question: readonly unknown[],
  schema: z.ZodType<T>,
  maxAgeMs: number | undefined,
  answer: () => Promise<T>,
): Promise<T> {
  const key = createHash('sha256')
    .update(JSON.stringify([baseImage, ...question]))
    .digest('hex')
  const file = join(workDirectory, 'requirements', `${key}.json`)
  const known = refresh ? undefined : await readCached(file, schema, maxAgeMs)
  if (known !== undefined) return known
  const found = await answer()
  await writeCached(file, found)
  return found
}

/** Mirrors drop what they replace: a pin that can't be had any more is said, not silently another. */
function warnDrift(
  pins: readonly LockedApt[],
  found: readonly LockedApt[],
  asked: readonly string[],
  context: TaskContext,
): void {
  const pinned = new Map(pins.map(({ name, version }) => [name, version]))
  const drifted = found.filter(
    ({ name, version }) => asked.includes(name) && (pinned.get(name) ?? version) !== version,
  )
  if (drifted.length > 0)
    context.warn(
      `the package sources no longer have what the lock pins: ${drifted.map(({ name, version }) => `${name} ${pinned.get(name)} is ${version} now`).join(', ')}`,
    )
}
