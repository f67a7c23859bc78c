import { hostileText } from '../../hostile-text/hostile-text.ts'
import { readRepositoryFile } from '../read-file.ts'
import { type Declaration, maxFileBytes, nameOf, type SourceDefaults } from './declaration.ts'
import { type DoodbaProject, doodbaFolder, readDoodba } from './doodba.ts'
import { isIgnoredEntry } from './ignored.ts'
import { ocaFileName } from './oca-dependencies.ts'

/** What a project's files ask for, beside what is in it. */
export interface DeclaredSources {
  declarations: Declaration[]
  warnings: string[]
  /** What people may want to know once, and need do nothing about. */
  notes: string[]
  doodba?: DoodbaProject
  /** Where the project would name one more repository. */
  declaringFile: { kind: 'oca-dependencies' | 'repos' | 'addons'; file: string }
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
  const aggregated = repos && (await readRepos(repos, defaults))
  const inner = await readEither(files, `${doodbaFolder}/repos`)
  const addons = await readEither(files, `${doodbaFolder}/addons`)
  const doodbaFiles = {
    repos: inner && (await readRepos(inner, defaults)),
    addons:
      addons &&
      (await hostileText.read('addonsYaml', addons.name, [addons.text, addons.name, defaults.variables])),
  }
  const doodba =
    inner || addons
      ? readDoodba(doodbaFiles, defaults, (folder) => hasFolder(`${doodbaFolder}/${folder}`))
      : undefined
  return {
    declarations: [
      ...(aggregated?.declarations ?? []),
      ...(doodba?.declarations ?? []),
      ...(await readOcaDependencies(files, '', defaults)),
    ],
    warnings: [
      ...(aggregated?.warnings ?? []),
      ...(doodba?.warnings ?? []),
      ...[aggregated, doodbaFiles.repos]
        .flatMap((repositories) => repositories?.odooChanges ?? [])
        .flatMap(({ folder, warning }) => (isIgnoredEntry(folder, defaults) ? [] : [warning])),
    ],
    notes: [...(aggregated?.notes ?? []), ...(doodba?.notes ?? [])],
    doodba,
    declaringFile: doodba
      ? { kind: 'addons', file: addons?.name ?? `${doodbaFolder}/addons.yaml` }
      : repos
        ? { kind: 'repos', file: repos.name }
        : { kind: 'oca-dependencies', file: ocaFileName },
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
  const name = folder === '' ? ocaFileName : `${folder}/${ocaFileName}`
  return hostileText.read('ocaDependencies', name, [text, name, defaults])
}

/** Which names a declaration goes by: nothing is brought in twice under one of them. */
export const namesOf = ({ folder, from }: Declaration): string[] => [nameOf(folder), nameOf(from[0].url)]

const readRepos = ({ name, text }: { name: string; text: string }, { variables }: SourceDefaults) =>
  hostileText.read('reposYaml', name, [text, name, variables])

const read = (root: string, path: string) =>
  readRepositoryFile(root, path, { reason: 'sources-invalid', maxBytes: maxFileBytes })

async function readEither(root: string, base: string): Promise<{ name: string; text: string } | undefined> {
  for (const name of [`${base}.yaml`, `${base}.yml`]) {
    const text = await read(root, name)
    if (text !== undefined) return { name, text }
  }
  return undefined
}
