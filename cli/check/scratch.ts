import { mkdtemp, readdir, realpath, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { ifGone } from './listed-files.ts'
import { findSystemFault, makeFolder } from './memory.ts'

const prefix = 'fairway-check-'
const leftAfterMs = 3_600_000
const full = new Set(['ENOSPC', 'EDQUOT'])

/**
 * A new folder for files that are needed for a moment, with what `fill` puts there: in `own`, or elsewhere where that cannot be
 * written or has no room. What was left in `own` by those who could not take it away goes.
 */
export async function fillScratch(
  { own, elsewhere }: { own: string; elsewhere: string },
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  try {
    return await fillIn(own, fill, removeLeftovers)
  } catch (error) {
    if (!(error instanceof NoRoom)) throw error
  }
  return await fillIn(elsewhere, fill)
}

class NoRoom extends CliError {}

async function fillIn(
  place: string,
  fill: (folder: string) => Promise<void>,
  tidy?: (place: string) => Promise<void>,
): Promise<string> {
  const folder = await makeIn(place, tidy)
  try {
    await fill(folder)
    return folder
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw full.has((error as NodeJS.ErrnoException).code ?? '') ? noRoom(place, error) : error
  }
}

async function makeIn(place: string, tidy?: (place: string) => Promise<void>): Promise<string> {
  try {
    await makeFolder(place)
    await tidy?.(place)
    return await realpath(await mkdtemp(join(place, prefix)))
  } catch (error) {
    throw findSystemFault(error) === undefined ? error : noRoom(place, error)
  }
}

const noRoom = (place: string, error: unknown) =>
  new NoRoom(
    exitCodes.failure,
    `the files cannot be laid out below ${place}: ${findSystemFault(error)}; TMPDIR names another place`,
    { cause: error },
  )

async function removeLeftovers(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    if (!name.startsWith(prefix)) continue
    const found = await stat(join(place, name)).catch(ifGone)
    if (found && Date.now() - found.mtimeMs > leftAfterMs)
      await rm(join(place, name), { recursive: true, force: true })
  }
}
