import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Members } from './bad-member.ts'

/** Throws EEXIST when something is there already. */
export async function requireAbsent(path: string): Promise<void> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found) throw Object.assign(new Error(`${path} exists`), { code: 'EEXIST' })
}

/** Writes the members into a new directory, which is there whole or not at all. */
export async function writeDirectory(target: string, members: Members): Promise<void> {
  const path = resolve(target)
  await mkdir(dirname(path), { recursive: true })
  const aside = await mkdtemp(join(dirname(path), `.${basename(path)}-`))
  try {
    for (const [member, bytes] of members) {
      const file = join(aside, member)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, bytes, { flag: 'wx', mode: member === 'verify.sh' ? 0o755 : 0o644 })
    }
    await requireAbsent(path)
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    throw error
  }
}
