import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'

/** Writes the document byte for byte, whole or not at all. */
export async function writeLockFile(path: string, document: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await writeFile(aside, document, { flag: 'wx' })
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw new CliError(exitCodes.failure, `The lock cannot be written: ${(error as Error).message}`)
  }
}
