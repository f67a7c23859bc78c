import { fileURLToPath } from 'node:url'

/** The command line as it is installed, bundled by run.sh before anything calls it. */
export const cliProgram = fileURLToPath(new URL('../../dist/cli/main.mjs', import.meta.url))
