import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type BuiltImages, buildImages } from '../images/build.ts'
import { ensureDocker } from './docker.ts'
import { homeDirectory } from './home.ts'
import { withLock } from './lock.ts'
import { ensurePackages } from './packages.ts'
import { ensureRegistry, registryAddress } from './registry.ts'
import { ensureTools, type Tools } from './tools.ts'
import { ensureVerifiers, type Verifiers } from './verifiers.ts'

export const parts = ['docker', 'registry', 'images', 'tools', 'pooler', 'sshd', 'verifiers'] as const
export type Part = (typeof parts)[number]

export type SetUpOptions = {
  /** Not all parts but these. What one needs is set up with it: images need Docker and the registry. */
  only?: Part[]
  /** Build the images anew. */
  force?: boolean
  signal?: AbortSignal
}

/** What is there now; parts that were left out are not in it. */
export type SetUp = {
  /** Address of the registry, `127.0.0.1:5000`. */
  registry?: string
  images?: BuiltImages
  tools?: Tools
  verifiers?: Verifiers
}

/** Translations in the Odoo image, next to English. Odoo's own tests use French. */
const languages = (process.env.FAIRWAY_ODOO_LANGUAGES ?? 'fr').split(/[\s,]+/).filter(Boolean)

/**
 * Bring this machine (Debian, root) to where the demo and the tests can run. What is there already is left as it is, so
 * the second time takes about a second. Several processes may ask at the same time: one works, the others wait.
 */
export function setUp({ only = [...parts], force, signal }: SetUpOptions = {}): Promise<SetUp> {
  const wanted = new Set(only)
  return withLock(join(homeDirectory('locks'), 'setup'), async () => {
    const images = wanted.has('images')
    if (images || wanted.has('docker')) await ensureDocker(signal)
    const registry = images || wanted.has('registry') ? await ensureRegistry(signal) : undefined
    // The tests' own: they start one for themselves.
    if (wanted.has('pooler')) await ensurePackages(['pgbouncer'])
    if (wanted.has('sshd')) await ensurePackages(['openssh-server'])
    const verifiers = wanted.has('verifiers') ? await ensureVerifiers() : undefined
    const [built, tools] = await Promise.all([
      images ? buildImages({ registry: registryAddress, languages, force, signal }) : undefined,
      wanted.has('tools') ? ensureTools() : undefined,
    ])
    return { registry, images: built, tools, verifiers }
  })
}

function requirePart(name: string): Part {
  const part = parts.find((known) => known === name)
  if (!part) throw new Error(`--only takes some of ${parts.join(',')}, not ${name}`)
  return part
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, force: { type: 'boolean' } } })
  const done = await setUp({ only: values.only?.split(',').map(requirePart), force: values.force })
  console.log(JSON.stringify(done, null, 2))
}

if (import.meta.main) {
  await main().catch((error: Error) => {
    console.error(`\nerror: ${error.message}`)
    process.exitCode = 1
  })
}
