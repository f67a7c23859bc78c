import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A short hash over all that decides what an image becomes: the files of its folder and the given inputs. */
export async function recipeOf(folder: string, inputs: unknown): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(inputs))
  for (const name of (await readdir(folder)).sort()) {
    hash.update(`\0${name}\0`).update(await readFile(join(folder, name)))
  }
  return hash.digest('hex').slice(0, 16)
}
