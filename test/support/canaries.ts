import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'

/** A value that must be nowhere, by a name to report it by. */
export type Canaries = Readonly<Record<string, string>>

export interface Sighting {
  readonly canary: string
  readonly form: string
  readonly where: string
}

/**
 * Looks for canaries in the forms that programs print them in. Knows nothing of the agent's redactor, and looks for
 * each of base64's alignments by the characters that are the canary's alone.
 */
export function createCanaryWatch(canaries: Canaries) {
  const needles = Object.entries(canaries).flatMap(([canary, value]) =>
    // Forms that come out the same are one.
    [...new Map(Object.entries(formsOf(value)).map(([form, text]) => [text, form]))].map(([text, form]) => ({
      canary,
      form,
      bytes: Buffer.from(text),
    })),
  )
  const sightings: Sighting[] = []
  let lookedAtBytes = 0
  const look = (where: string, bytes: Buffer) => {
    lookedAtBytes += bytes.length
    for (const { canary, form, bytes: needle } of needles) {
      if (bytes.includes(needle)) sightings.push({ canary, form, where })
    }
  }
  const lookInside = (where: string, bytes: Buffer) => {
    look(where, bytes)
    if (bytes.subarray(0, 4).equals(zstdMagic)) look(`${where} (decompressed)`, zstdDecompressSync(bytes))
  }
  return {
    sightings,
    lookedAtBytes: () => lookedAtBytes,
    text: (where: string, text: string) => look(where, Buffer.from(text)),
    /** A row as the database gives it: bytes as they are, everything else as text. */
    row(where: string, row: Record<string, unknown>) {
      for (const [column, value] of Object.entries(row)) {
        if (Buffer.isBuffer(value)) lookInside(`${where}.${column}`, value)
        else if (value !== null) look(`${where}.${column}`, Buffer.from(unescaped(value)))
      }
    },
    /** Every file below, zstd decompressed; gives how many there were. */
    async files(directory: string, skip: (path: string) => boolean = () => false): Promise<number> {
      let count = 0
      for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        if (!entry.isFile() || skip(path)) continue
        lookInside(path, await readFile(path))
        count++
      }
      return count
    },
  }
}

const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

const unescaped = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))

function formsOf(value: string): Record<string, string> {
  const bytes = Buffer.from(value)
  const inner = (skip: number, encoding: 'base64' | 'base64url') => {
    const rest = bytes.subarray(skip)
    return rest.toString(encoding).slice(0, Math.floor((rest.length * 8) / 6))
  }
  const percent = encodeURIComponent(value)
  return {
    raw: value,
    json: JSON.stringify(value).slice(1, -1),
    'json in json': JSON.stringify(JSON.stringify(value)).slice(3, -3),
    percent,
    'percent, small': percent.replace(/%../g, (hex) => hex.toLowerCase()),
    form: percent.replaceAll('%20', '+'),
    hex: bytes.toString('hex'),
    'base64 +0': inner(0, 'base64'),
    'base64 +1': inner(1, 'base64'),
    'base64 +2': inner(2, 'base64'),
    'base64url +0': inner(0, 'base64url'),
    'base64url +1': inner(1, 'base64url'),
    'base64url +2': inner(2, 'base64url'),
  }
}
