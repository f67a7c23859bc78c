import { createWriteStream } from 'node:fs'
import { PassThrough, pipeline } from 'node:stream'
import { pipeline as pipe } from 'node:stream/promises'
import { TaskError } from '../tasks/task.ts'
import { type ContextFile, type LayerFolder, packContext, packLayer } from './build-context.ts'
import type { DockerHost } from './docker.ts'
import { followProgress } from './images.ts'
import { type ContainerNetwork, networkSettings, proxyVariables } from './throwaway.ts'

export interface BuildRequest {
  /** It begins on an image that is on this host already. */
  dockerfile: string
  files: readonly ContextFile[]
  tag: string
  /** Of what RUN runs: none, or a way to packages. */
  network: ContainerNetwork
  onLine(line: string): void
  signal: AbortSignal
}

/**
 * Builds an image with Docker's own builder.
 *
 * @throws TaskError `image-build-failed` with Docker's message.
 */
export async function buildImage(host: DockerHost, request: BuildRequest): Promise<void> {
  const { signal } = request
  let failure: Error | null | undefined
  const context = new PassThrough()
  pipeline(packContext(request.dockerfile, request.files), context, (error) => {
    failure = error
  })
  try {
    const output = await host.docker.buildImage(context, {
      t: request.tag,
      networkmode: networkSettings(request.network).NetworkMode,
      // Docker knows these: they need no ARG, and are neither in the history nor in the key of the cache.
      buildargs: proxyVariables(request.network),
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

/** Writes a layer into a file, for the context of a build. */
export async function writeLayerFile(
  file: string,
  folders: readonly LayerFolder[],
  signal: AbortSignal,
): Promise<void> {
  await pipe(packLayer(folders, signal), createWriteStream(file), { signal })
}
