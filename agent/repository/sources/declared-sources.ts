import { readRepositoryFile } from '../read-file.ts'
import { type Declaration, maxFileBytes, nameOf, type SourceDefaults } from './declaration.ts'
import { type DoodbaProject, doodbaFolder, readDoodba } from './doodba.ts'
import { ocaFileName, parseOcaDependencies } from './oca-dependencies.ts'
import { parseReposYaml } from './repos-yaml.ts'

/** What a project's files ask for, beside what is in it. */
export interface DeclaredSources {
  declarations: Declaration[]
  warnings: string[]
  doodba?: DoodbaProject
}

/**
 * Reads repos.yaml, Doodba's two files and oca_dependencies.txt of a checked-out project, in this order: where several
 * declare a repository of one name the first holds. Throws TaskError `sources-invalid` with file and line.
 */
export async function readDeclaredSources(
  files: string,
  defaults: SourceDefaults,
  hasFolder: (path: string) => boolean,
): Promise<DeclaredSources> {
  const repos = await readEither(files, 'repos')
  const aggregated = repos && parseReposYaml(repos.text, repos.name, defaults.variables)
  const doodbaFiles = {
    repos: await readEither(files, `${doodbaFolder}/repos`),
    addons: await readEither(files, `${doodbaFolder}/addons`),
  }
  const isDoodba = doodbaFiles.repos !== undefined || doodbaFiles.addons !== undefined
  const doodba = isDoodba
    ? readDoodba(doodbaFiles, defaults, (folder) => hasFolder(`${doodbaFolder}/${folder}`))
    : undefined
  return {
    declarations: [
      ...(aggregated?.declarations ?? []),
      ...(doodba?.declarations ?? []),
      ...(await readOcaDependencies(files, '', defaults)),
    ],
    warnings: [...(aggregated?.warnings ?? []), ...(doodba?.warnings ?? [])],
    doodba,
  }
}

/** Those of a repository's own oca_dependencies.txt; `folder` is the repository's, for people. */
export async function readOcaDependencies(
  root: string,
  folder: string,
  defaults: SourceDefaults,
): Promise<Declaration[]> {
  const text = await read(root, ocaFileName)
  if (text === undefined) return []
  return parseOcaDependencies(text, folder === '' ? ocaFileName : `${folder}/${ocaFileName}`, defaults)
}

/** Which names a declaration goes by: nothing is brought in twice under one of them. */
export const namesOf = ({ folder, from }: Declaration): string[] => [nameOf(folder), nameOf(from[0].url)]

const read = (root: string, path: string) =>
  readRepositoryFile(root, path, { reason: 'sources-invalid', maxBytes: maxFileBytes })

async function readEither(root: string, base: string): Promise<{ name: string; text: string } | undefined> {
  for (const name of [`${base}.yaml`, `${base}.yml`]) {
    const text = await read(root, name)
    if (text !== undefined) return { name, text }
  }
  return undefined
}
