import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { constants, createZstdCompress } from 'node:zlib'
import { type Pack, pack as packTar } from 'tar-stream'
import type { Member } from './member.ts'

/** Of zstd; beyond it builds' logs get hardly smaller. */
const level = 9

/**
 * The members as a tar.zst under one folder, with MANIFEST (the SHA-256 of every other member, in the format of
 * sha256sum) and its signature at the end. Nothing of the machine, the user or the time gets in: the same members and
 * the same signature make the same bytes.
 */
export async function packBundle(
  folder: string,
  members: readonly Member[],
  sign: (manifest: Uint8Array) => Uint8Array,
): Promise<Buffer> {
  const tar = packTar()
  const zstd = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  })
  const packed = buffer(tar.pipe(zstd))
  const lines: string[] = []
  for (const member of members.toSorted(byPath)) {
    const bytes = await member.read()
    lines.push(`${createHash('sha256').update(bytes).digest('hex')}  ${member.path}\n`)
    await add(tar, `${folder}/${member.path}`, bytes)
  }
  const manifest = Buffer.from(lines.join(''))
  await add(tar, `${folder}/MANIFEST`, manifest)
  await add(tar, `${folder}/MANIFEST.sig`, sign(manifest))
  tar.finalize()
  return await packed
}

/** By bytes, as `LC_ALL=C sort` does. */
const byPath = (a: Member, b: Member) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))

function add(tar: Pack, name: string, bytes: Uint8Array): Promise<void> {
  const header = {
    name,
    size: bytes.length,
    mode: name.endsWith('.sh') ? 0o755 : 0o644,
    mtime: new Date(0),
    uid: 0,
    gid: 0,
  }
  return new Promise((resolve, reject) => {
    tar.entry(header, Buffer.from(bytes), (error) => (error ? reject(error) : resolve()))
  })
}
