import { join } from 'node:path'
import { z } from 'zod'
import {
  imageModulesSchema,
  manifestFileSchema,
  readImageModules,
} from '../../lib/repository/image-modules.ts'
import { parseJson, readCached, writeCached } from '../cached-json.ts'
import { TaskError } from '../tasks/task.ts'
import { type DockerHost, hardenedHostConfig, labelsFor, stopAndRemove } from './docker.ts'
import { followToEnd } from './follow.ts'
import { probeScript } from './image-probe.ts'
import { requireByDigest } from './images.ts'
import { anonymous, type Registries } from './registry-credentials.ts'

const factsSchema = z.object({
  uid: z.int(),
  gid: z.int(),
  /** `19.0`; empty when the image does not say. */
  odooVersion: z.string(),
  modules: imageModulesSchema,
  /** Python distributions, by normalized name → version. */
  distributions: z.record(z.string(), z.string()),
  /** What one can import → normalized name of the distribution that brings it. */
  imports: z.record(z.string(), z.string()),
  /** Names of programs on its PATH. */
  executables: z.array(z.string()),
  /** `debian`, `13` */
  system: z.object({ id: z.string(), version: z.string() }),
  /** Debian packages: name, version, architecture. */
  packages: z.array(z.tuple([z.string(), z.string(), z.string()])),
})

/** As the probe tells them, with manifests that nobody has read yet. */
const probedSchema = factsSchema.omit({ modules: true }).extend({ manifests: z.array(manifestFileSchema) })

/** Those of Odoo with all its modules are about 2 MiB. */
const maxProbedBytes = 32 * 1024 ** 2

/** What an Odoo image is: its user, the modules and the packages it ships. The same digest, the same facts. */
export type ImageFacts = z.infer<typeof factsSchema>

/**
 * Looks into an image by running a script of ours in it once, without network, and keeps the answer below `workDirectory`.
 *
 * @throws TaskError `image-unusable` when it has no Python, no Odoo, or runs as root.
 */
export async function readImageFacts(
  host: DockerHost,
  reference: string,
  workDirectory: string,
  signal: AbortSignal,
  registries: Registries = anonymous,
): Promise<ImageFacts> {
  const image = await requireByDigest(host, reference, signal, registries)
  const file = join(workDirectory, 'images', `${image.Id.replace(/^sha256:/, '')}.json`)
  const known = await readCached(file, factsSchema)
  const facts = known ?? (await probe(host, reference, signal))
  if (facts.uid === 0)
    throw new TaskError('image-unusable', `the image ${reference} runs as root: give it a USER of its own`)
  if (!known) await writeCached(file, facts)
  return facts
}

async function probe(host: DockerHost, reference: string, signal: AbortSignal): Promise<ImageFacts> {
  const container = await host.docker.createContainer({
    Image: reference,
    Entrypoint: ['python3', '-I', '-c', probeScript],
    Cmd: [],
    Labels: labelsFor(host, { role: 'task', task: 'probe' }),
    HostConfig: {
      ...hardenedHostConfig({ memoryBytes: 512 * 1024 ** 2, maxProcesses: 64 }),
      NetworkMode: 'none',
      ReadonlyRootfs: true,
    },
  })
  try {
    await container.start()
    const output: string[] = []
    let bytes = 0
    let lastError: string | undefined
    const limited = AbortSignal.any([signal, AbortSignal.timeout(120_000)])
    const end = await followToEnd(
      host,
      container.id,
      ({ stream, text }) => {
        // It is the image's own Python that writes: no more of it is kept than facts are.
        if (stream === 'stderr') lastError = text.slice(0, 1_000)
        else {
          bytes += text.length
          if (bytes <= maxProbedBytes) output.push(text)
        }
      },
      limited,
    )
    const probed = parseJson(output.join(''), probedSchema)
    if (end?.exitCode === 0 && probed) {
      const { manifests, ...facts } = probed
      return { ...facts, modules: await readImageModules(manifests, facts.odooVersion, limited) }
    }
    const tooMuch =
      bytes > maxProbedBytes ? `its manifests take more than ${maxProbedBytes / 1024 ** 2} MiB` : undefined
    throw new TaskError(
      'image-unusable',
      `the image ${reference} holds no usable Odoo: ${tooMuch ?? lastError ?? `exit code ${end?.exitCode}`}`,
    )
  } catch (error) {
    if (error instanceof TaskError || signal.aborted) throw error
    throw new TaskError(
      'image-unusable',
      `the image ${reference} could not be looked into: ${(error as Error).message}`,
      {
        cause: error,
      },
    )
  } finally {
    await stopAndRemove(host, container.id, 0)
  }
}
