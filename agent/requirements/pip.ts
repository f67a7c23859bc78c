import { chown, mkdir } from 'node:fs/promises'
import { z } from 'zod'
import type { LockedPython } from '../../lib/repository/lock.ts'
import { maxManifestBytes } from '../../lib/repository/manifest.ts'
import { pythonName, pythonVersion } from '../../lib/repository/package-patterns.ts'
import { asksFor, describeRequirement, type Requirement } from '../../lib/requirements/requirement.ts'
import { parseJson } from '../cached-json.ts'
import { runThrowaway } from '../containers/throwaway.ts'
import type { PackageRequest } from '../packages/package-sources.ts'
import type { AgentServices } from '../services.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { pipFault } from './pip-faults.ts'
import { pipScript } from './pip-script.ts'

export interface PinnedPython extends LockedPython {
  /** Who asks for it; empty: a dependency of another. */
  readonly askedBy: readonly string[]
}

/** An addon that a package brings, as `odoo/addons/<module>`. */
export interface PackagedAddonFiles {
  readonly module: string
  /** Git tree id of its folder, as if it lay in a repository. */
  readonly treeId: string
  readonly neutralize: boolean
  /** Its manifest, base64; empty where it is too large to be read, by itself or with those of the other packages. */
  readonly manifest: string
  readonly manifestBytes: number
}

export interface ResolvedPython extends PinnedPython {
  /** What one can import of it, by first name. */
  readonly imports: readonly string[]
  readonly addons: readonly PackagedAddonFiles[]
}

/** A dependency that a manifest names. */
export interface ManifestEntry {
  readonly text: string
  /** Normalized (PEP 503). */
  readonly name: string
  /** What an index may be asked for in its place; empty: nothing. */
  readonly kept: string
}

export interface UnmetEntry {
  readonly text: string
  /** `invalid`, empty for what nobody brings, or the version that is there. */
  readonly why: string
  /** Package that brings an import of that name; empty: none. */
  readonly bringer: string
}

export interface PythonAnswer {
  readonly packages: readonly ResolvedPython[]
  readonly unmet: readonly UnmetEntry[]
}

export type PackageServices = Pick<AgentServices, 'docker' | 'packages'>

/** Where pip runs: an image on this host by digest or id, its user, and a folder of the task that it may fill. */
export interface PipPlace {
  readonly image: string
  readonly uid: number
  readonly gid: number
  readonly directory: string
}

const packagedAddonSchema = z.object({
  module: z.string(),
  treeId: z.string().regex(/^[0-9a-f]{40}$/),
  neutralize: z.boolean(),
  manifest: z.string(),
  manifestBytes: z.int(),
})

const unmetSchema = z.object({ text: z.string(), why: z.string(), bringer: z.string() })

export const pythonAnswerSchema: z.ZodType<PythonAnswer> = z.object({
  packages: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      hashes: z.array(z.string()),
      askedBy: z.array(z.string()),
      imports: z.array(z.string()),
      addons: z.array(packagedAddonSchema),
    }),
  ),
  unmet: z.array(unmetSchema),
})

const answerSchema = z.union([
  z.object({ fault: z.string() }),
  z.object({
    packages: z.array(
      z.object({
        name: z.string().regex(pythonName),
        version: z.string().regex(pythonVersion),
        sha256: z.string(),
        imports: z.array(z.string()).optional(),
        addons: z.array(packagedAddonSchema).optional(),
      }),
    ),
    pinsHeld: z.boolean().optional(),
    unmet: z.array(unmetSchema).optional(),
  }),
])

const maxPackages = 2000
/** Of all packages together: the answer has to fit into what a container may write. */
export const maxManifestsBytes = 12 * 1024 ** 2

/**
 * What pip would install beside what the image has, pinned by version and hash, what that brings, and which `entries` of
 * manifests nobody brings then. Pins of a lock hold where they fit. The index is asked for what requirements name, for what
 * packages name in turn, and for the `kept` names of entries that nothing else brings.
 *
 * @throws TaskError `python-conflict`, `-missing`, `-index-denied`, `-index-unavailable`, `-build-failed`, `-failed`.
 */
export async function resolvePython(
  services: PackageServices,
  context: TaskContext,
  place: PipPlace,
  request: {
    requirements: readonly Requirement[]
    /** Of manifests. */
    asking: readonly (Requirement & ManifestEntry)[]
    constraints: readonly Requirement[]
    /** Lines of constraints that are nobody's. */
    held: readonly string[]
    /** Version of the image's Odoo; empty: unknown. */
    odoo: string
    pins: readonly { name: string; version: string }[]
    from: PackageRequest
  },
): Promise<PythonAnswer> {
  const { asking, constraints, held, odoo, pins, requirements } = request
  const said = [...requirements, ...asking]
  const { packages, pinsHeld, unmet } = await runPip(services, context, place, request.from, said, {
    action: 'resolve',
    maxManifestBytes,
    maxManifestsBytes,
    odoo,
    requirements: [...new Set(requirements.map(({ text }) => text))],
    entries: asking.map(({ text, name, kept }) => ({ text, name, kept })),
    narrowed: [...constraints.map(({ text }) => text), ...held],
    pins: pins.map(({ name, version }) => `${name}==${version}`),
  })
  if (packages.length > maxPackages)
    throw new TaskError('requirements-invalid', `more than ${maxPackages} Python packages would be installed`)
  if (pinsHeld === false)
    context.log('fairway', 'the versions of the lock do not suit what is asked for now: resolved without it')
  const pinned = packages.map(({ name, version, sha256, imports = [], addons = [] }) => {
    const its = said.filter((requirement) => asksFor(requirement, name))
    requireHash(name, version, sha256, [...its, ...constraints.filter((other) => asksFor(other, name))])
    const askedBy = its.map(describeRequirement)
    return { name, version, hashes: [`sha256:${sha256}`], askedBy, imports, addons }
  })
  return { packages: pinned.sort((a, b) => (a.name < b.name ? -1 : 1)), unmet: unmet ?? [] }
}

/** Fetches pinned packages, checks each by its hash and installs them below `place.directory`/root, for a layer. */
export async function installPython(
  services: PackageServices,
  context: TaskContext,
  place: PipPlace,
  packages: readonly LockedPython[],
  from: PackageRequest,
): Promise<void> {
  await runPip(services, context, place, from, [], {
    action: 'install',
    requirements: packages.map(({ name, version, hashes }) =>
      [`${name}==${version}`, ...hashes.map((hash) => `--hash=${hash}`)].join(' '),
    ),
  })
}

async function runPip(
  { docker, packages }: PackageServices,
  context: TaskContext,
  place: PipPlace,
  from: PackageRequest,
  requirements: readonly Requirement[],
  job: Record<string, unknown>,
) {
  await mkdir(place.directory, { recursive: true, mode: 0o700 })
  await chown(place.directory, place.uid, place.gid)
  return packages.use(context, from, async (access) => {
    const end = await runThrowaway(docker, context, {
      image: place.image,
      command: ['python3', '-I', '-c', pipScript],
      input: JSON.stringify({ ...job, index: access.indexUrl ?? '' }),
      network: access,
      workDirectory: place.directory,
      timeoutMs: 10 * 60_000,
      onLine: (line) => context.log('docker', access.translate(line)),
    })
    const answer = parseJson(end.lines.join(''), answerSchema)
    if (end.exitCode !== 0 || !answer)
      throw new TaskError(
        'image-unusable',
        `pip can't be used in the image ${place.image} (exit code ${end.exitCode}): the image needs python3-pip, version 22.2 or newer`,
      )
    if ('fault' in answer)
      throw access.indexError() ?? pipFault(access.translate(answer.fault), requirements, access.refusals())
    return answer
  })
}

function requireHash(name: string, version: string, sha256: string, asking: readonly Requirement[]): void {
  if (!/^[0-9a-f]{64}$/.test(sha256))
    throw new TaskError(
      'python-failed',
      `the index gives no SHA-256 of ${name} ${version}: it can't be pinned`,
    )
  const wanted = asking.flatMap(({ hashes }) => hashes)
  if (wanted.length > 0 && !wanted.includes(`sha256:${sha256}`))
    throw new TaskError(
      'python-hash-mismatch',
      `the index has a file of ${name} ${version} that none of the hashes in ${asking[0]!.origin} is for (sha256:${sha256}): find out why before you change them`,
    )
}
