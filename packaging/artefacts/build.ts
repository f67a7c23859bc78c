import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { inCheckout } from './checkout.ts'
import { packCommandLine } from './command-line.ts'
import { artefactNames, type Part } from './names.ts'
import { packAgent, packServer } from './programs.ts'
import { type Contents, type Tarball, writeTarball } from './tarball.ts'

const packs: Record<Part, () => Promise<Contents>> = {
  cli: packCommandLine,
  agent: packAgent,
  server: packServer,
}

/** Writes the artefacts of these parts into a folder. */
export async function buildArtefacts(parts: readonly Part[], folder: string): Promise<Tarball[]> {
  await mkdir(folder, { recursive: true })
  const made: Tarball[] = []
  for (const part of parts) {
    const path = join(folder, artefactNames[part])
    await rm(path, { force: true })
    made.push(await writeTarball(path, await packs[part]()))
  }
  return made
}

const sumLine = ({ path, sha256 }: Tarball) => `${sha256}  ${path.slice(path.lastIndexOf('/') + 1)}\n`

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { output: { type: 'string', short: 'o', default: inCheckout('dist') } },
  })
  const known = Object.keys(packs) as Part[]
  const unknown = positionals.find((name) => !known.some((part) => part === name))
  if (unknown) throw new Error(`there is no artefact ${unknown}: only ${known.join(', ')}`)
  const parts = positionals.length > 0 ? known.filter((part) => positionals.includes(part)) : known
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
