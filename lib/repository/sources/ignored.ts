import { isCore } from './declaration.ts'

export interface Ignoring {
  /** Of fairway.yaml: `sources.ignore`. */
  readonly ignore: readonly string[]
}

/** An entry of repos.yaml, by its folder. */
export const isIgnoredEntry = (folder: string, { ignore }: Ignoring): boolean =>
  ignore.some((one) => plain(one) === folder)

/**
 * A file, as itself or with a folder that it is in. What names Odoo is an entry of repos.yaml: `odoo` alone is not the folder
 * that everything of Doodba's lies in.
 */
export const isIgnoredFile = (path: string, { ignore }: Ignoring): boolean =>
  ignore
    .filter((one) => !isCore({ folder: one, url: '' }))
    .map(plain)
    .some((one) => path === one || path.startsWith(`${one}/`))

const plain = (path: string) =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')

export const ignoredIn = 'sources.ignore in fairway.yaml, and nothing that it asks for is installed'

/** For the end of an error about a file that is found. */
export const ignoreAdvice = (path: string): string => `or name ${path} under ${ignoredIn}`
