import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { introduction } from '../../cli/introduction.ts'
import { nouns, plainVerbs } from '../../cli/nouns.ts'
import { manPage } from '../../cli/reference/man-page.ts'
import { readReference } from '../../cli/reference/reference.ts'
import { readBundle } from '../bundle.ts'
import { run } from '../dev/command.ts'
import { inCheckout } from './checkout.ts'
import { licencesOf } from './licences.ts'
import { fairwayVersion } from './names.ts'
import { bundledPackages, type Package } from './packages.ts'
import type { Source } from './tarball.ts'

export interface Piece {
  readonly files: Map<string, Source>
  readonly packages: readonly Package[]
}

/** The command line as it lies in a checkout, built; for any Node from 20 on. */
export async function buildCommandLine(): Promise<Piece> {
  const { files: texts, metafile } = await readBundle('cli')
  requireWhole(Object.values(metafile.outputs).flatMap(({ imports }) => imports))
  const files = new Map<string, Source>(
    [...texts].map(([name, text]) => [`dist/cli/${name}`, { text }] as const),
  )
  files.set('cli/fairway.mjs', { file: inCheckout('cli/fairway.mjs') })
  files.set('man/fairway.1', { text: await writeManPage() })
  return { files, packages: await bundledPackages(metafile) }
}

/** What `npm install -g` needs to know, in a package that depends on nothing. */
export async function packCommandLine(): Promise<Map<string, Source>> {
  const { files, packages } = await buildCommandLine()
  const manifest = {
    name: 'fairway-cli',
    version: fairwayVersion,
    description:
      'The command line of Fairway: branches, builds and environments of your Odoo, on your own hosts',
    license: 'UNLICENSED',
    type: 'module',
    engines: { node: '>=20' },
    bin: { fairway: 'cli/fairway.mjs' },
    man: ['./man/fairway.1'],
  }
  files.set('package.json', { text: `${JSON.stringify(manifest, null, 2)}\n` })
  files.set('LICENSES.txt', { text: await licencesOf(packages) })
  return new Map([...files].map(([path, source]) => [`package/${path}`, source]))
}

function requireWhole(imports: readonly { path: string; external?: boolean }[]): void {
  const outside = imports.filter(({ external, path }) => external && !isBuiltin(path))
  const missing = [...new Set(outside.map(({ path }) => path))]
  if (missing.length > 0) throw new Error(`the command line would need ${missing.join(', ')}`)
}

/** Of the command line, as docs/configuration.md has them; and when the commit was made, so that every build says the same. */
async function writeManPage(): Promise<string> {
  const page = await readFile(inCheckout('docs/configuration.md'), 'utf8')
  const table = page.split('\n## Command line\n')[1] ?? ''
  const rows = [...table.matchAll(/^\| (`.*?) \| (.*?) \| (.*?) \|$/gm)]
  const environment = rows.map(([, names = '', otherwise = '', what = '']) => {
    const plain = (text: string) => text.replaceAll('`', '')
    return [plain(names), `${plain(what)} (default: ${plain(otherwise)})`] as const
  })
  const date = (await run('git', ['log', '-1', '--format=%cs'], { cwd: inCheckout('.') })).trim()
  const reference = await readReference({ nouns, plainVerbs })
  return manPage(reference, { version: fairwayVersion, date, introduction, environment })
}
