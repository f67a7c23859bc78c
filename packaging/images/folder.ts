import { fileURLToPath } from 'node:url'

/** What images are built from. Bundled this file is in dist/server/, with the same tree around it. */
export const imagesFolder = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './' : '../../packaging/images/', import.meta.url),
)
