import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A thread is started from a file of its own: see lib/repository/secret-scan/scanner.ts. */
const threadsOfRepositories = {
  'secret-scan-worker': 'lib/repository/secret-scan/worker.ts',
  'hostile-text-worker': 'lib/hostile-text/worker.ts',
}

/**
 * `npm run build`: agent and command line as JavaScript in dist, which start quicker and stay smaller than their
 * TypeScript. Both are split, so that a resident agent, and each command, loads only what it needs; what is native, or
 * minds the order it is loaded in, stays in node_modules.
 */
const programs: Record<string, Record<string, string>> = {
  agent: {
    main: 'agent/main.ts',
    ...threadsOfRepositories,
    'hostile-answers-worker': 'agent/hostile-text/worker.ts',
    'index-page-worker': 'agent/packages/page-worker.ts',
  },
  cli: { main: 'cli/main.ts', ...threadsOfRepositories },
}

const inCheckout = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

async function bundle(name: string, entryPoints: Record<string, string>): Promise<void> {
  const outdir = inCheckout(`dist/${name}`)
  await rm(outdir, { recursive: true, force: true })
  await build({
    entryPoints: Object.fromEntries(
      Object.entries(entryPoints).map(([entry, path]) => [entry, inCheckout(path)]),
    ),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: [
      'ssh2',
      'cpu-features',
      'node-pty',
      'pg-native',
      '@peculiar/x509',
      'reflect-metadata',
      // Asks for XML libraries that we don't have, and does without.
      '@cyclonedx/cyclonedx-library',
    ],
    sourcemap: 'linked',
    // CommonJS dependencies ask for `require`.
    banner: {
      js: "import { createRequire as _createRequire } from 'node:module'; const require = _createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })
}

await Promise.all(Object.entries(programs).map(([name, entryPoints]) => bundle(name, entryPoints)))
