import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { inCheckout } from './checkout.ts'
import { packCommandLine } from './command-line.ts'
import { artefactName, dirtyVersion, fairwayVersion, type Part } from './names.ts'
import { packAgent, packServer } from './programs.ts'
import { type Contents, type Tarball, writeTarball } from './tarball.ts'
import { openTracked } from './tracked.ts'

const packs: Record<Part, (version: string) => Promise<Contents>> = {
  cli: packCommandLine,
  agent: packAgent,
  server: packServer,
}

/** Writes the artefacts of these parts into a folder. Where the checkout is not what its commit says, their names say so. */
export async function buildArtefacts(parts: readonly Part[], folder: string): Promise<Tarball[]> {
  const changes = await listChanges()
  const version = changes.length > 0 ? dirtyVersion : fairwayVersion
  await mkdir(folder, { recursive: true })
  const made: Tarball[] = []
  for (const part of parts) {
    // Only one of them is there: docs/install.md unpacks by the version.
    for (const former of [fairwayVersion, dirtyVersion])
      await rm(join(folder, artefactName(part, former)), { force: true })
    made.push(await writeTarball(join(folder, artefactName(part, version)), await packs[part](version)))
  }
  return made
}

const listChanges = async () => await (await openTracked(inCheckout('.'))).listChanges()

const sumLine = ({ path, sha256 }: Tarball) => `${sha256}  ${path.slice(path.lastIndexOf('/') + 1)}\n`

const shownChanges = 10

function aboutChanges(changes: readonly string[]): string {
  const more = changes.length - shownChanges
  return [
    'These artefacts are not for handing out, and named -dirty: the checkout differs from its commit.',
    ...changes.slice(0, shownChanges).map((line) => `  ${line}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    'Of documentation, migrations and recipes what git does not know (??) is left out: `git add` what belongs to them.',
  ].join('\n')
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { output: { type: 'string', short: 'o', default: inCheckout('dist') } },
  })
  const known = Object.keys(packs) as Part[]
  const unknown = positionals.find((name) => !known.some((part) => part === name))
  if (unknown) throw new Error(`there is no artefact ${unknown}: only ${known.join(', ')}`)
  const parts = positionals.length > 0 ? known.filter((part) => positionals.includes(part)) : known
  const changes = await listChanges()
  if (changes.length > 0) process.stderr.write(`${aboutChanges(changes)}\n`)
  const made = await buildArtefacts(parts, values.output)
  await writeFile(join(values.output, 'SHA256SUMS'), made.map(sumLine).join(''))
  for (const tarball of made) {
    const size = `${(tarball.sizeBytes / 1e6).toFixed(1)} MB`
    process.stdout.write(`${tarball.path}\n  ${size}, SHA-256 ${tarball.sha256}\n`)
  }
}

if (import.meta.main) {
  await main().catch((error: Error) => {
    process.stderr.write(`\nerror: ${error.message}\n`)
    process.exitCode = 1
  })
}
