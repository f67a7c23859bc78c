import { run } from '../dev/command.ts'
import { step } from '../dev/progress.ts'
import { type BuiltImages, imageNames, tagOf } from './build.ts'
import { findImage } from './docker-build.ts'

/** Pushes the images that are built for that registry, one after the other; what it has already it is not sent. */
export async function publishImages(registry: string, signal?: AbortSignal): Promise<BuiltImages> {
  const pushed: Partial<BuiltImages> = {}
  for (const name of imageNames) {
    const tag = tagOf(registry, name)
    await step(`push ${tag}`, () => run('docker', ['push', '--quiet', tag], { signal }))
    pushed[name] = { tag, digest: await requireDigest(tag) }
  }
  return pushed as BuiltImages
}

/** By which the registry has it now: Docker notes that under each repository that it pushed to. */
async function requireDigest(tag: string): Promise<string> {
  const repository = tag.slice(0, tag.lastIndexOf(':'))
  const digests = (await findImage(tag))?.RepoDigests ?? []
  const found = digests.find((reference) => reference.startsWith(`${repository}@`))
  if (!found) throw new Error(`Docker has pushed ${tag} and does not say under which digest`)
  return found
}
