import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'
import { lstatIfThere } from '../lib/files/lstat-if-there.ts'

/**
 * What `writeCached` kept. A file that does not fit `schema` (of an older agent, or half written), or is older than
 * `maxAgeMs`, counts as absent.
 */
export async function readCached<T>(
  file: string,
  schema: z.ZodType<T>,
  maxAgeMs?: number,
): Promise<T | undefined> {
  const stat = await lstatIfThere(file)
  if (!stat || (maxAgeMs !== undefined && Date.now() - stat.mtimeMs > maxAgeMs)) return undefined
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : parseJson(text, schema)
}

/** For the agent alone, all or nothing. */
export async function writeCached(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  // Tasks run beside each other: each writes a file of its own.
  const aside = `${file}.${process.pid}-${crypto.randomUUID().slice(0, 8)}`
  await writeFile(aside, JSON.stringify(value), { mode: 0o600 })
  await rename(aside, file)
}

/** Undefined for what is no JSON, or not of that shape. */
export function parseJson<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
