import { PassThrough, pipeline } from 'node:stream'
import { pack } from 'tar-stream'
import type { DockerHost } from '../../agent/containers/docker.ts'
import { followProgress, pushImage, type ResolvedImage } from '../../agent/containers/images.ts'

/** Builds an image as somebody does elsewhere, with Docker's own builder, and pushes it under its tag. */
export async function pushTestImage(
  host: DockerHost,
  tag: string,
  instructions: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<ResolvedImage> {
  const signal = AbortSignal.timeout(120_000)
  const archive = pack()
  archive.entry({ name: 'Dockerfile' }, [...instructions, ''].join('\n'))
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content)
  archive.finalize()
  const context = new PassThrough()
  pipeline(archive, context, () => {})
  const output = await host.docker.buildImage(context, { t: tag, abortSignal: signal })
  await followProgress(host, output, () => {}, 'build-failed', signal)
  return pushImage(host, tag, () => {}, signal)
}
