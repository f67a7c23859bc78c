import type Docker from 'dockerode'
import { TaskError } from '../tasks/task.ts'

// What the builder of an image wrote into its configuration is obeyed by Docker, not by the container: with the rights of
// the host where it is built on, and before our own settings where we make none.

const maxConfigBytes = 256 * 1024
const maxVolumes = 16
/** Label of the images in packaging/images, which nobody selects containers by. */
const recipeLabel = 'fairway.recipe'

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/**
 * The one gate for every image that this host has or gets: nothing is made from an image, and no container of it runs,
 * that has not passed.
 *
 * @throws TaskError `image-refused` for one whose configuration does something to whoever uses it.
 */
export function requireHarmless(image: Docker.ImageInspectInfo, reference: string): void {
  const fault = faultOf(image)
  if (fault) throw new TaskError('image-refused', `the image ${reference} is not used: ${fault}`)
}

function faultOf({ Config, Os, Architecture }: Docker.ImageInspectInfo): string | undefined {
  // Docker gives images without any configuration none here.
  const config: Partial<Docker.ImageInspectInfo['Config']> = Config ?? {}
  const bytes = Buffer.byteLength(JSON.stringify(config))
  if (bytes > maxConfigBytes)
    return `its configuration (labels, variables, …) has ${Math.ceil(bytes / 1024)} KiB; ${maxConfigBytes / 1024} KiB are enough`
  if (!isEmpty(config.OnBuild))
    return 'it has ONBUILD instructions, which would be run as root on this host when an image is built on it: build it without ONBUILD'
  const native = architectures[process.arch] ?? process.arch
  if (Os !== 'linux' || Architecture !== native)
    return `it is for ${Os}/${Architecture}, and this host is linux/${native}: name an image for it`
  return faultOfLabels(config.Labels ?? {}) ?? faultOfVolumes(Object.keys(config.Volumes ?? {}))
}

/** Anything but a list without items counts: what is not understood is not harmless. */
const isEmpty = (list: unknown): boolean =>
  list === undefined || list === null || (Array.isArray(list) && list.length === 0)

/** Containers inherit an image's labels, and by ours the agent knows which containers are whose. */
function faultOfLabels(labels: Readonly<Record<string, string>>): string | undefined {
  const reserved = Object.keys(labels).find((name) => name.startsWith('fairway.') && name !== recipeLabel)
  return (
    reserved &&
    `it has the label ${reserved.slice(0, 100)}; names that begin with "fairway." are for Fairway's containers: build it without`
  )
}

/** Each is made, and filled from the image, for every container. */
function faultOfVolumes(volumes: readonly string[]): string | undefined {
  if (volumes.length > maxVolumes)
    return `it has ${volumes.length} volumes, more than ${maxVolumes}: build it with fewer`
  const bad = volumes.find((path) => !/^(\/[^/\0]+)+\/?$/.test(path) || /\/\.{1,2}(\/|$)/.test(path))
  return bad && `its volume ${JSON.stringify(bad.slice(0, 100))} is no folder inside it: build it without`
}
