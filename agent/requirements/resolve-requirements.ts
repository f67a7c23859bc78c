import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { LockedApt, LockedPackages } from '../../lib/repository/lock.ts'
import {
  asksFor,
  describeRequirement,
  parseRequirement,
  type Requirement,
} from '../../lib/requirements/requirement.ts'
import type { ProjectRequirements } from '../../lib/requirements/requirements-file.ts'
import { readCached, writeCached } from '../cached-json.ts'
import { type EnvironmentPlace, ensureAptImage } from '../containers/environment.ts'
import { type ImageFacts, readImageFacts } from '../containers/image-facts.ts'
import { registriesOf, requireRepository } from '../containers/registry-credentials.ts'
import type { AllowEntry } from '../egress/allow-list.ts'
import { type Secrets, type TaskContext, TaskError } from '../tasks/task.ts'
import { resolveApt } from './apt.ts'
import { pythonIndexOf } from './index-credentials.ts'
import {
  isPlainlyMet,
  type ModuleNeeds,
  type ModuleRequirement,
  pythonOfModules,
  requireMet,
  requirePrograms,
} from './module-requirements.ts'
import { type PackagedAddon, readPackagedAddons } from './packaged-addons.ts'
import {
  type PackageServices,
  type PinnedPython,
  type PythonAnswer,
  pythonAnswerSchema,
  resolvePython,
} from './pip.ts'

export interface RequirementsRequest {
  /** What the project's files ask for. */
  readonly requirements: ProjectRequirements
  /** The task's own. */
  readonly directory: string
  /** For what can be made again. */
  readonly workDirectory: string
  /** By digest, and what is in it. */
  readonly baseImage: string
  readonly facts: ImageFacts
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

const dayMs = 24 * 3_600_000

/** What the requirements say for themselves; what modules need is asked of them once these are known. */
export interface OpenRequirements {
  /** Those that packages of the requirements bring: modules like others. */
  readonly addons: readonly PackagedAddon[]
  /**
   * @param modules of the project, those that are installed.
   * @param reasonOf why a module is installed, for people.
   * @throws TaskError `requirements-invalid`, `binary-missing`, `python-…`.
   */
  close(modules: readonly ModuleNeeds[], reasonOf: (module: string) => string): Promise<ResolvedRequirements>
}

/**
 * The packages that an image needs beside those of its base, pinned: Debian's of fairway.yaml, Python's of the files of
 * requirements and of the modules' manifests. Nothing of the project is run. The same question is answered from memory, for
 * a day where Debian packages are asked for, whose older versions leave the mirrors.
 *
 * @throws TaskError `requirements-invalid`, `apt-…`, `python-…`.
 */
export async function openRequirements(
  services: PackageServices,
  context: TaskContext,
  request: RequirementsRequest,
): Promise<OpenRequirements> {
  const { config, pins } = request
  const apt = await remember(request, ['apt', config.apt, pins.apt], pinnedSchema, dayMs, async () =>
    config.apt.length > 0
      ? resolveApt(services, context, request.baseImage, config.apt, pins.apt, request.allow)
      : [],
  )
  warnDrift(pins.apt, apt, config.apt, context)
  const facts = await factsWithApt(services, context, request, apt)
  const file = request.requirements
  const requirements = file.requirements.filter(({ name, plain }) => !plain || !(name in facts.distributions))
  const ask = (asking: readonly ModuleRequirement[], held: readonly string[]) =>
    requirements.length + asking.length === 0
      ? { packages: [], unmet: [] }
      : askPip(services, context, request, { apt, facts, file: { ...file, requirements }, asking, held })
  const first = await ask([], [])
  const addons = await readPackagedAddons(first.packages, facts.odooVersion, context)
  return {
    addons,
    async close(modules, reasonOf) {
      const note = (text: string) => context.log('fairway', text)
      const told = { reasonOf, note }
      requirePrograms(modules, facts.executables, told)
      const asking = pythonOfModules(modules, told)
      const known = knownPython(facts, first)
      const open = asking.filter((one) => !isPlainlyMet(one, known))
      // The modules were closed over these addons.
      const held = first.packages.flatMap(({ addons: its, name, version }) =>
        its.length > 0 ? [`${name}==${version}`] : [],
      )
      const { packages, unmet } = open.length > 0 ? await ask(open, held) : first
      requireMet(unmet, open, facts.imports, told)
      if (apt.length + packages.length > 0)
        context.log(
          'fairway',
          `${apt.length} Debian and ${packages.length} Python packages beside the base image's`,
        )
      return { apt, python: packages.map((one) => asPinned(one, asking)), pythonIndex: config.pythonIndex }
    },
  }
}

const knownPython = ({ distributions, imports }: ImageFacts, { packages }: PythonAnswer) => ({
  distributions: new Set([...Object.keys(distributions), ...packages.map(({ name }) => name)]),
  imports: new Set([...Object.keys(imports), ...packages.flatMap((one) => one.imports)]),
})

function asPinned(
  { askedBy, hashes, name, version }: PinnedPython,
  asking: readonly ModuleRequirement[],
): PinnedPython {
  const manifests = asking.filter((one) => asksFor(one, name)).map(describeRequirement)
  return { name, version, hashes, askedBy: [...new Set([...askedBy, ...manifests])] }
}

interface Question {
  readonly apt: readonly LockedApt[]
  readonly facts: ImageFacts
  readonly file: ProjectRequirements
  readonly asking: readonly ModuleRequirement[]
  readonly held: readonly string[]
}

/** Raise it whenever the same question has another answer. */
const questionVersion = 4

async function askPip(
  services: PackageServices,
  context: TaskContext,
  request: RequirementsRequest,
  { apt, facts, file, asking, held }: Question,
): Promise<PythonAnswer> {
  const index = pythonIndexOf(request.config.pythonIndex, request.secrets)
  const from = { allow: request.allow, index }
  const { requirements } = file
  const odoo = facts.distributions.odoo ?? facts.odooVersion
  // Another Odoo than the image's, or one of somebody else, is never fetched for an addon's sake.
  const constraints = [...file.constraints, ...(odoo ? requireLine(`odoo==${odoo}`) : [])]
  const asked = (list: readonly Requirement[]) => list.map((one) => [describeRequirement(one), ...one.hashes])
  const kept = asking.map((one) => one.kept)
  const pins = request.pins.python.map(({ name, version }) => ({ name, version }))
  // What an index shows to one project is no answer to another.
  const shownTo = index.login ? context.project : ''
  const key = [
    'python',
    questionVersion,
    apt,
    asked(requirements),
    asked(constraints),
    pins,
    index.url,
    shownTo,
  ]
  return remember(request, [...key, asked(asking), kept, held], pythonAnswerSchema, undefined, async () => {
    const image = await aptImage(services, context, request, apt)
    const place = { image, uid: facts.uid, gid: facts.gid, directory: join(request.directory, 'pip') }
    const question = { requirements, asking, constraints, held, odoo, pins, from }
    const answer = await resolvePython(services, context, place, question)
    refuseOdoo(answer.packages)
    return answer
  })
}

const requireLine = (line: string): Requirement[] => {
  const found = parseRequirement(line, 'the base image')
  return found ? [found] : []
}

/** Packages of addons depend on it. Where its version is unknown, an index would be asked for it. */
function refuseOdoo(packages: readonly PinnedPython[]): void {
  if (packages.some(({ name }) => name === 'odoo'))
    throw new TaskError(
      'python-conflict',
      'a package asks for the Python package odoo, which the base image has without saying so: take a base image whose pip lists odoo',
    )
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
