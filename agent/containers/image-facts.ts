import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { TaskError } from '../tasks/task.ts'
import { type DockerHost, hardenedHostConfig, labelsFor, stopAndRemove } from './docker.ts'
import { followToEnd } from './follow.ts'
import { probeScript } from './image-probe.ts'
import { requireByDigest } from './images.ts'

const factsSchema = z.object({
  uid: z.int(),
  gid: z.int(),
  /** `19.0`; empty when the image does not say. */
  odooVersion: z.string(),
  modules: z.record(
    z.string(),
    z.object({
      depends: z.array(z.string()),
      installable: z.boolean(),
      autoInstall: z.boolean(),
      neutralize: z.boolean(),
    }),
  ),
})

/** What an Odoo image is: its user and the modules it ships. The same digest, the same facts. */
export type ImageFacts = z.infer<typeof factsSchema>

/**
 * Looks into an image by running a script of ours in it once, without network, and keeps the answer in `cacheDirectory`.
 *
 * @throws TaskError `image-unusable` when it has no Python, no Odoo, or runs as root.
 */
export async function readImageFacts(
  host: DockerHost,
  reference: string,
  cacheDirectory: string,
  signal: AbortSignal,
): Promise<ImageFacts> {
  const image = await requireByDigest(host, reference, signal)
  const file = join(cacheDirectory, `${image.Id.replace(/^sha256:/, '')}.json`)
  const cached = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const known = cached === undefined ? undefined : factsSchema.safeParse(safeJson(cached)).data
  const facts = known ?? (await probe(host, reference, signal))
  if (facts.uid === 0)
    throw new TaskError('image-unusable', `the image ${reference} runs as root: give it a USER of its own`)
  if (!known) await writeAtomically(file, JSON.stringify(facts))
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
    const errors: string[] = []
    const limited = AbortSignal.any([signal, AbortSignal.timeout(120_000)])
    const end = await followToEnd(
      host,
      container.id,
      (line) => (line.stream === 'stdout' ? output : errors).push(line.text),
      limited,
    )
    const facts = factsSchema.safeParse(safeJson(output.join('')))
    if (end?.exitCode === 0 && facts.success) return facts.data
    throw new TaskError(
      'image-unusable',
      `the image ${reference} holds no usable Odoo: ${errors.at(-1) ?? `exit code ${end?.exitCode}`}`,
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

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Half a cache file, or an image that prints something else: both are told by the schema.
    return undefined
  }
}

async function writeAtomically(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}`
  await writeFile(temporary, content)
  await rename(temporary, file)
}
