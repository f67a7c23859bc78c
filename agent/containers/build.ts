import { PassThrough, pipeline } from 'node:stream'
import { TaskError } from '../tasks/task.ts'
import { type ContextAddon, packContext } from './build-context.ts'
import type { DockerHost } from './docker.ts'
import { renderDockerfile } from './dockerfile.ts'
import { followProgress } from './images.ts'

export interface BuildRequest {
  /** By digest, and already on this host. */
  baseImage: string
  addons: readonly ContextAddon[]
  tag: string
  labels: Readonly<Record<string, string>>
  onLine(line: string): void
  signal: AbortSignal
}

/**
 * Builds a project's image with Docker's own builder, without any network.
 *
 * @throws TaskError `image-build-failed` with Docker's message.
 */
export async function buildImage(host: DockerHost, request: BuildRequest): Promise<void> {
  const { addons, signal } = request
  let failure: Error | null | undefined
  const context = new PassThrough()
  pipeline(
    packContext(renderDockerfile(request.baseImage, addons.length > 0), addons, signal),
    context,
    (error) => {
      failure = error
    },
  )
  try {
    const output = await host.docker.buildImage(context, {
      t: request.tag,
      labels: { ...request.labels },
      networkmode: 'none',
      forcerm: true,
      abortSignal: signal,
    })
    const onEvent = ({ stream }: { stream?: string }) => {
      if (stream?.trim()) request.onLine(stream.trim())
    }
    await followProgress(host, output, onEvent, 'image-build-failed', signal)
  } catch (error) {
    signal.throwIfAborted()
    // What the context could not be made of says more than the broken upload.
    if (failure ?? error instanceof TaskError) throw failure ?? error
    throw new TaskError('image-build-failed', `the image could not be built: ${(error as Error).message}`, {
      cause: error,
    })
  }
}
