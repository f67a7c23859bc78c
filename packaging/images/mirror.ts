import { readFile } from 'node:fs/promises'
import { run } from '../dev/command.ts'
import { updatePackageLists } from '../dev/packages.ts'

/** Where this machine gets its Debian packages, and what it tells apt about them; images use the same. */
export type Mirror = { debian: string; security?: string; options: string[] }

/** A mirror may be a frozen snapshot past its date; the host then says so, and so must the images. */
const carriedOptions = ['Acquire::Check-Valid-Until', 'Acquire::Check-Date']

/** Read the mirror from the host's own apt configuration. */
export async function findMirror(): Promise<Mirror> {
  const archives = (await listArchives()) ?? (await updatePackageLists().then(listArchives))
  if (!archives)
    throw new Error(
      'no Debian mirror in this machine’s apt configuration (/etc/apt/sources.list*), or `apt-get update` does not reach it',
    )
  const options = await run('apt-config', ['dump', ...carriedOptions])
  return { ...archives, options: options.split('\n').filter(Boolean) }
}

async function listArchives(): Promise<{ debian: string; security?: string } | undefined> {
  const format = '$(ORIGIN)|$(LABEL)|$(REPO_URI)'
  const out = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
  const rows = out.split('\n').map((line) => line.split('|'))
  const find = (wanted: string) =>
    rows.find(([origin, label]) => origin === 'Debian' && label === wanted)?.[2]
  const debian = find('Debian')
  const security = find('Debian-Security')
  return debian
    ? { debian: await plainUri(debian), security: security && (await plainUri(security)) }
    : undefined
}

/** Cloud images of Debian name their mirrors in a file: mirror+file:/etc/apt/mirrors/debian.list */
async function plainUri(uri: string): Promise<string> {
  const list = /^mirror\+file:(?:\/\/)?(.*?)\/?$/.exec(uri)?.[1]
  const found = list ? (await readFile(list, 'utf8')).match(/^https?:\S+/m)?.[0] : uri
  if (!found) throw new Error(`no mirror in ${list}`)
  return found.replace(/\/$/, '')
}
