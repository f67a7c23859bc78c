import { rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type Metafile } from 'esbuild'

/** A thread is started from a file of its own: see lib/repository/secret-scan/scanner.ts. */
const threadsOfRepositories = {
  'secret-scan-worker': 'lib/repository/secret-scan/worker.ts',
  'hostile-text-worker': 'lib/hostile-text/worker.ts',
}

interface Program {
  readonly entryPoints: Readonly<Record<string, string>>
  /** The oldest Node that it runs under. */
  readonly target: string
  /** Packages that stay in node_modules: what is native, or minds the order it is loaded in. */
  readonly external: readonly string[]
}

/**
 * Programs as JavaScript, which start quicker and stay smaller than their TypeScript. They are split, so that a resident
 * agent, and each command, loads only what it needs.
 */
const programs = {
  agent: {
    entryPoints: {
      main: 'agent/main.ts',
      ...threadsOfRepositories,
      'hostile-answers-worker': 'agent/hostile-text/worker.ts',
      'index-page-worker': 'agent/packages/page-worker.ts',
    },
    target: 'node24',
    external: [
      'ssh2',
      '@peculiar/x509',
      'reflect-metadata',
      // Asks for XML libraries that we don't have, and does without.
      '@cyclonedx/cyclonedx-library',
    ],
  },
  cli: {
    entryPoints: { start: 'cli/start.ts', main: 'cli/main.ts', ...threadsOfRepositories },
    target: 'node20',
    external: [],
  },
  server: {
    entryPoints: {
      main: 'server/main.ts',
      'policy-worker': 'server/governance/policy/policy-worker.ts',
      images: 'packaging/images/main.ts',
    },
    target: 'node24',
    external: ['ssh2', '@peculiar/x509', 'reflect-metadata'],
  },
} satisfies Record<string, Program>

export type ProgramName = keyof typeof programs

export const externalPackagesOf = (name: ProgramName): readonly string[] => programs[name].external

/** Asked for by packages that do without. */
const optional = ['cpu-features', 'pg-native']

const checkout = fileURLToPath(new URL('../', import.meta.url))

const optionsOf = (name: ProgramName) => {
  const { entryPoints, target, external }: Program = programs[name]
  return {
    absWorkingDir: checkout,
    entryPoints: { ...entryPoints },
    outdir: `dist/${name}`,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target,
    external: [...external, ...optional],
    // CommonJS dependencies ask for `require`.
    banner: {
      js: "import { createRequire as _createRequire } from 'node:module'; const require = _createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  } satisfies BuildOptions
}

async function writeBundle(name: ProgramName): Promise<void> {
  await rm(join(checkout, 'dist', name), { recursive: true, force: true })
  await build({ ...optionsOf(name), sourcemap: 'linked' })
}

export interface Bundle {
  /** By its name in dist/<name>. */
  readonly files: ReadonlyMap<string, string>
  /** What it was made of. */
  readonly metafile: Metafile
}

/** For an artefact: nothing is written, and the same input gives the same texts. */
export async function readBundle(name: ProgramName): Promise<Bundle> {
  const made = await build({ ...optionsOf(name), legalComments: 'none', metafile: true, write: false })
  const files = made.outputFiles.map(
    ({ path, text }) => [relative(join(checkout, 'dist', name), path), text] as const,
  )
  return { files: new Map(files), metafile: made.metafile }
}

// What tests and the demo start; `npm run build` makes artefacts as well.
if (import.meta.main) await Promise.all((['agent', 'cli'] as const).map(writeBundle))
