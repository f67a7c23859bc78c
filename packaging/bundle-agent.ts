import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * `npm run build`: the agent as JavaScript in dist/agent, which starts quicker and stays smaller than its TypeScript.
 * Commands are split, so that a resident agent carries only what it needs; what is native, or minds the order it is loaded in, stays in
 * node_modules.
 */
await build({
  entryPoints: {
    main: fileURLToPath(new URL('../agent/main.ts', import.meta.url)),
    // A thread is started from a file of its own: see agent/repository/secret-scan/scanner.ts.
    'secret-scan-worker': fileURLToPath(
      new URL('../agent/repository/secret-scan/worker.ts', import.meta.url),
    ),
  },
  outdir: fileURLToPath(new URL('../dist/agent', import.meta.url)),
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
