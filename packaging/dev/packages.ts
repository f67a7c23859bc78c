import { run } from './command.ts'
import { step } from './progress.ts'

const lockWait = ['-o', 'DPkg::Lock::Timeout=300']

async function listInstalled(): Promise<Set<string>> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
  const format = '${Package} ${db:Status-Status}\n'
  const lines = (await run('dpkg-query', ['--show', '--showformat', format])).split('\n')
  return new Set(lines.filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0] ?? ''))
}

let updated: Promise<void> | undefined

/** Fetch Debian's package lists, once for the life of this process. */
export function updatePackageLists(): Promise<void> {
  updated ??= step('apt-get update', async () => {
    await run('apt-get', ['update', '-qq', ...lockWait])
  })
  return updated
}

let installing: Promise<void> = Promise.resolve()

/** Install Debian packages that aren't there yet, without their recommendations; one call at a time. */
export function ensurePackages(names: string[]): Promise<void> {
  const turn = installing.catch(() => {}).then(() => install(names))
  installing = turn
  return turn
}

async function install(names: string[]): Promise<void> {
  const installed = await listInstalled()
  const missing = names.filter((name) => !installed.has(name))
  if (missing.length === 0) return
  await updatePackageLists()
  await step(`install ${missing.join(', ')}`, () =>
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...lockWait, ...missing], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    }),
  )
}
