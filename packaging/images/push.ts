import { run } from '../dev/command.ts'
import { step } from '../dev/progress.ts'
import { findImage } from './docker-build.ts'

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json'

/** Push `registry/repository:version` unless the registry has it already; gives the reference by digest. */
export async function ensurePushed(registry: string, repository: string, version: string): Promise<string> {
  const name = `${registry}/${repository}`
  const findDigest = async () =>
    (await findImage(`${name}:${version}`))?.RepoDigests?.find((reference) =>
      reference.startsWith(`${name}@`),
    )
  const known = await findDigest()
  if (known && known === (await pushedReference(registry, repository, version))) return known
  await step(`push ${name}:${version}`, () => run('docker', ['push', '--quiet', `${name}:${version}`]))
  const pushed = await pushedReference(registry, repository, version)
  if (!pushed || pushed !== (await findDigest())) {
    throw new Error(
      `the registry says that ${name}:${version} is ${pushed}, Docker that it is ${await findDigest()}`,
    )
  }
  return pushed
}

async function pushedReference(
  registry: string,
  repository: string,
  version: string,
): Promise<string | undefined> {
  const url = `http://${registry}/v2/${repository}/manifests/${version}`
  const response = await fetch(url, { method: 'HEAD', headers: { accept: manifestType } })
  return response.ok
    ? `${registry}/${repository}@${response.headers.get('docker-content-digest')}`
    : undefined
}
