import type { Stats } from 'node:fs'
import { lstat } from 'node:fs/promises'

/** On the way there a symbolic link leads to itself. */
export const isCircle = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === 'ELOOP'

/** Undefined where there is nothing. Whatever can't be looked at is an error: it may well be there. */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
