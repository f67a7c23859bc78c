import { run } from './command.ts'
import { step } from './progress.ts'

const lockWait = ['-o', 'DPkg::Lock::Timeout=300']

async function isInstalled(name: string): Promise<boolean> {
  const known = await run('dpkg-query', ['--show', '--showformat', '${Package} ${db:Status-Status}\n']).then(
    (out) => new Set(out.split('\n')),
  )
  return known.has(`${name} installed`)
}

let updated: Promise<void> | undefined

/** Fetch Debian's package lists, once for the life of this process. */
export function updatePackageLists(): Promise<void> {
  updated ??= step('apt-get update', async () => {
    await run('apt-get', ['update', '-qq', ...lockWait])
  })
  return updated
}

/** Install Debian packages that aren't there yet, without their recommendations. */
export async function ensurePackages(names: string[]): Promise<void> {
  const missing: string[] = []
  for (const name of names) if (!(await isInstalled(name))) missing.push(name)
  if (missing.length === 0) return
  await updatePackageLists()
  await step(`install ${missing.join(', ')}`, () =>
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...lockWait, ...missing], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    }),
  )
}
