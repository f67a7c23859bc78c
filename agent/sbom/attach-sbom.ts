import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { redactUrls } from '../../lib/addresses/redact-urls.ts'
import type { BuildImageTask } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { readCached, writeCached } from '../cached-json.ts'
import type { ImageFacts } from '../containers/image-facts.ts'
import type { TaskContext } from '../tasks/task.ts'

const sbomName = 'sbom.cdx.json'
const maxBytes = 1024 ** 2

/**
 * Saves the parts list of an image as an artifact of the task; it is made once for a digest on this host.
 *
 * @returns its SHA-256, hexadecimal; empty, with a warning, when it is larger than an artifact may be.
 */
export async function attachSbom(
  context: TaskContext,
  workDirectory: string,
  input: BuildImageTask,
  digest: string,
  readFacts: () => Promise<ImageFacts>,
): Promise<string> {
  const file = join(workDirectory, 'sboms', `${digest.replace(/^sha256:/, '')}.json`)
  const known = await readCached(file, z.string())
  const text = known ?? (await make(input, digest, await readFacts()))
  if (known === undefined) await writeCached(file, text)
  const content = new TextEncoder().encode(text)
  if (content.byteLength > maxBytes) {
    context.warn(`the image's parts list is larger than ${maxBytes / 1024} KiB and was not kept`)
    return ''
  }
  context.artifact(sbomName, 'application/vnd.cyclonedx+json', content)
  return createHash('sha256').update(content).digest('hex')
}

async function make(input: BuildImageTask, digest: string, facts: ImageFacts): Promise<string> {
  // Only builds need it: it is kept out of an agent that has none to do.
  const { createSbom } = await import('./sbom.ts')
  const sources = new Map(input.sources.map((source) => [source.path, source]))
  return createSbom({
    image: input.imageRepository,
    digest,
    facts,
    addons: input.addons.map(({ name, version, treeId, source, distribution }) => ({
      name,
      version,
      treeId,
      distribution,
      repository: redactUrls(sources.get(source)?.url ?? input.repositoryUrl),
      merged: sources.get(source)?.merges.map(({ url }) => redactUrls(url)),
    })),
  })
}
