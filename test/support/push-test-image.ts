import { PassThrough, pipeline } from 'node:stream'
import { pack } from 'tar-stream'
import type { DockerHost } from '../../agent/containers/docker.ts'
import type { ResolvedImage } from '../../agent/containers/images.ts'
import { repositoryOf } from '../../agent/containers/registry-credentials.ts'

/** Builds an image as somebody does elsewhere, with Docker's own builder, and pushes it under its tag. */
export async function pushTestImage(
  { docker }: DockerHost,
  tag: string,
  instructions: readonly string[],
  files: Readonly<Record<string, string>> = {},
  login = { username: '', password: '' },
): Promise<ResolvedImage> {
  const abortSignal = AbortSignal.timeout(120_000)
  const archive = pack()
  archive.entry({ name: 'Dockerfile' }, [...instructions, ''].join('\n'))
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content)
  archive.finalize()
  const context = new PassThrough()
  pipeline(archive, context, () => {})
  await toEnd(await docker.buildImage(context, { t: tag, abortSignal }))
  const authconfig = { ...login, serveraddress: '' }
  const events = await toEnd(await docker.getImage(tag).push({ authconfig, abortSignal }))
  const digest = events.map(({ aux }) => aux?.Digest).find(Boolean)
  if (!digest) throw new Error(`${tag} was pushed, and nobody said as what`)
  return { reference: `${repositoryOf(tag)}@${digest}`, digest }

  function toEnd(stream: NodeJS.ReadableStream): Promise<{ aux?: { Digest?: string } }[]> {
    return new Promise((resolve, reject) =>
      docker.modem.followProgress(stream, (error: Error | null, all: { aux?: { Digest?: string } }[]) =>
        error ? reject(error) : resolve(all),
      ),
    )
  }
}
