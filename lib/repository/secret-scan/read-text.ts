import { constants, open } from 'node:fs/promises'

/** As far as git looks for a zero byte to tell what is binary. */
const lookedAt = 8_000

/** The text of a plain file; undefined of a binary one. A symbolic link in its place is refused. */
export async function readText(path: string, maxBytes: number): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const buffer = Buffer.alloc(maxBytes)
    const { bytesRead } = await file.read(buffer, 0, maxBytes, 0)
    return textOf(buffer.subarray(0, bytesRead))
  } finally {
    await file.close()
  }
}

export function textOf(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  return bytes.subarray(0, lookedAt).includes(0) ? undefined : bytes.toString('utf8')
}
