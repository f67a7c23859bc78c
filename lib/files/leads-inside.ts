import { readlink, realpath } from 'node:fs/promises'

/**
 * Whether a symbolic link leads to something in the folder `root`, a real path, and does so wherever that folder is put.
 */
export async function leadsInside(link: string, root: string): Promise<boolean> {
  const real = await realpath(link).catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes(error.code ?? '')) return ''
    throw error
  })
  return real.startsWith(`${root}/`) && !(await readlink(link)).startsWith('/')
}
