import { Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import { extract, type Header } from 'tar-stream'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { BadMember, isMemberPath, type Members } from './bad-member.ts'

/** Most that a bundle may unpack to. */
const mostBytes = 2 * 1024 ** 3

export interface Archive {
  /** The one folder that everything in it is under. */
  readonly folder: string
  readonly members: Members
}

/**
 * Unpacks a bundle in memory. Throws BadMember for anything but plain files under one folder, for a name that is there
 * twice or leads out of it, for headers that bundles don't have, and for more than `mostBytes`.
 */
export async function readArchive(packed: Buffer, name: string): Promise<Archive> {
  const unpack = requireZstd()
  const members = new Map<string, Buffer>()
  let folder = ''
  const tar = extract()
  tar.on('entry', (header, stream, next) => {
    void (async () => {
      const { top, path } = placeOf(header)
      folder ||= top
      if (top !== folder) throw new BadMember(header.name, `not under ${folder} like the others`)
      if (members.has(path)) throw new BadMember(path, 'twice in the archive')
      members.set(path, await buffer(stream))
      next()
    })().catch(next)
  })
  try {
    await pipeline(Readable.from([packed]), unpack, atMost(mostBytes), tar)
  } catch (error) {
    if (error instanceof BadMember) throw error
    throw new BadMember(name, `not a whole bundle (${error instanceof Error ? error.message : 'unreadable'})`)
  }
  if (!folder) throw new BadMember(name, 'not a bundle: it is empty')
  return { folder, members }
}

/** Node has it from 22.15 on. */
function requireZstd(): Transform {
  if (zlib.createZstdDecompress !== undefined) return zlib.createZstdDecompress()
  throw new CliError(
    exitCodes.failure,
    `Bundles are packed with zstd, which Node ${process.version} cannot read. Use Node 22.15 or newer; or unpack a bundle ` +
      'with `tar --zstd -xf` and run the verify.sh in it, which needs no Node.',
  )
}

function placeOf(header: Header): { top: string; path: string } {
  const { name } = header
  const slash = name.indexOf('/')
  const [top, path] = [name.slice(0, slash), name.slice(slash + 1)]
  if (header.type !== 'file') throw new BadMember(name, `a ${header.type}, not a file`)
  if (slash < 1 || !isMemberPath(name)) throw new BadMember(name, 'a name that no member of a bundle has')
  const plain = header.uid === 0 && header.gid === 0 && header.mtime?.getTime() === 0
  if (!plain || header.mode !== (path === 'verify.sh' ? 0o755 : 0o644)) {
    throw new BadMember(path, 'its owner, mode or time are not those of a bundle')
  }
  return { top, path }
}

function atMost(bytes: number): Transform {
  let seen = 0
  return new Transform({
    transform(chunk: Buffer, _, done) {
      seen += chunk.length
      done(seen > bytes ? new Error('it unpacks to more than 2 GiB') : null, chunk)
    },
  })
}
