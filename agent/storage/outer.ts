import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'

/** A file system that the kernel mounted: where, and from which device. */
export interface Mount {
  readonly point: string
  readonly source: string
}

/**
 * The image file below the file system that holds `path`, where that is a loop device's and the file is sparse: what is
 * written into it takes room of the outer file system, which others fill as well. Undefined where there is none, or where
 * the file has all its blocks already.
 */
export async function findSparseImage(path: string): Promise<string | undefined> {
  const mount = holderOf(parseMounts(await readFile('/proc/self/mountinfo', 'utf8')), path)
  const image = mount && (await imageOf(mount.source))
  const found = image === undefined ? undefined : await stat(image).catch(absent)
  return found && found.blocks * 512 < found.size ? image : undefined
}

/** Lines of /proc/self/mountinfo (proc(5)): fields up to ` - `, then type and source. Octal escapes stand for blanks. */
export function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ', 2)
    const point = before.split(' ')[4]
    const source = after.split(' ')[1]
    return point && source ? [{ point: decodeOctal(point), source: decodeOctal(source) }] : []
  })
}

/** The one that is in force for a path: the deepest, and of those at the same place the last. */
export function holderOf(mounts: readonly Mount[], path: string): Mount | undefined {
  const holds = ({ point }: Mount) => point === '/' || path === point || path.startsWith(`${point}/`)
  return mounts
    .filter(holds)
    .reduce<Mount | undefined>(
      (best, one) => (one.point.length >= (best?.point.length ?? 0) ? one : best),
      undefined,
    )
}

async function imageOf(device: string): Promise<string | undefined> {
  if (!device.startsWith('/dev/loop')) return undefined
  const file = await readFile(`/sys/block/${basename(device)}/loop/backing_file`, 'utf8').catch(absent)
  return file?.trimEnd()
}

const decodeOctal = (text: string) =>
  text.replaceAll(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

/** A device that was just detached, an image in another mount namespace: then there is nothing to watch. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ENXIO') return undefined
  throw error
}
