import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import type { Settings } from './settings.ts'

/** Opens the address in $BROWSER, else with xdg-open; does nothing where there is neither. Doesn't wait for it. */
export async function openBrowser({ browser, path }: Settings, url: string): Promise<void> {
  const program = (browser && (await findProgram(browser, path))) || (await findProgram('xdg-open', path))
  if (!program) return
  const child = spawn(program, [url], { stdio: 'ignore', detached: true })
  // The address is on the screen; a browser that doesn't start is no failure of ours.
  child.on('error', () => undefined)
  child.unref()
}

async function findProgram(name: string, path: string): Promise<string | undefined> {
  const places = isAbsolute(name) ? [name] : path.split(delimiter).map((folder) => join(folder, name))
  for (const place of places) {
    const executable = await access(place, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return place
  }
  return undefined
}
