import { z } from 'zod'
import {
  type Declaration,
  invalidSources,
  isCore,
  maxSources,
  parseFolder,
  type WantedCommit,
} from './declaration.ts'
import { parseYamlFile, requireShape, type YamlEntry } from './yaml-file.ts'

export interface DeclaredRepositories {
  declarations: Declaration[]
  /** For people: what is left out, and why. */
  warnings: string[]
  /** For people: what is left out as it always is. */
  notes: string[]
  /** What would change Odoo, which the base image brings as it is. */
  odooChanges: { folder: string; warning: string }[]
  /** Folders that are declared, those left out included. */
  folders: string[]
}

const words = z.union([z.string(), z.array(z.string())])
/** How much is fetched: Fairway fetches what a merge needs, so that its result does not hang on it. */
const amounts = { depth: z.string(), 'shallow-since': z.string(), 'shallow-exclude': z.string() }
const amountsSchema = z.strictObject(amounts).partial()

// Keys that are not known could mean anything, also something to run: refused.
const repositorySchema = z.strictObject({
  remotes: z.record(z.string(), z.string().min(1, 'a remote has no address')),
  merges: z
    .array(
      z.union(
        [
          z
            .string()
            .regex(/^\S+\s+\S+$/)
            .transform((text) => {
              const [remote = '', ref = ''] = text.split(/\s+/)
              return { remote, ref }
            }),
          z.strictObject({ remote: z.string(), ref: z.string().min(1), ...amountsSchema.shape }),
        ],
        '`remote ref` is expected',
      ),
    )
    .min(1, 'at least one is expected')
    .max(50),
  target: z.string().optional(),
  defaults: z.union([amountsSchema, z.literal('')]).optional(),
  fetch_all: words.optional(),
  shell_command_after: words.optional(),
})

/**
 * Reads git-aggregator's repos.yaml. Nothing is run: a repository with `shell_command_after` is refused. Odoo itself is
 * left out, as the base image brings it. Throws TaskError `sources-invalid` with the line.
 */
export function parseReposYaml(
  text: string,
  file: string,
  variables: ReadonlyMap<string, string>,
): DeclaredRepositories {
  const found: DeclaredRepositories = {
    declarations: [],
    warnings: [],
    notes: [],
    odooChanges: [],
    folders: [],
  }
  for (const entry of parseYamlFile(text, file, variables).flat()) {
    const folder = parseFolder(entry.key)
    if (folder === undefined)
      throw invalidSources(
        entry.where,
        `${JSON.stringify(entry.key.slice(0, 80))} is no folder below this file`,
      )
    if (found.folders.includes(folder))
      throw invalidSources(entry.where, `${folder} is declared a second time`)
    found.folders.push(folder)
    if (isCore({ folder, url: '' })) passOver(found, folder, entry)
    else addRepository(found, folder, entry)
    if (found.folders.length > maxSources) throw invalidSources(file, `more than ${maxSources} repositories`)
  }
  return found
}

export const coreNote = (where: string, folder: string) =>
  `${where}: ${folder} is not fetched: Odoo comes with the base image (base_image in fairway.yaml)`

const changesOnly = z.looseObject({
  merges: repositorySchema.shape.merges.catch([]),
  shell_command_after: words.optional().catch(undefined),
})

/** Nothing of the entry is used; what it merges onto the first, or runs, is missed in what the image has. */
function passOver(found: DeclaredRepositories, folder: string, entry: YamlEntry<unknown>): void {
  const { key, value, where } = entry
  found.notes.push(coreNote(where, folder))
  const { merges = [], shell_command_after = '' } = changesOnly.safeParse(value).data ?? {}
  const lost = merges.slice(1, 6).map(({ remote, ref }) => `${remote} ${ref}`)
  if (merges.length > 6) lost.push(`${merges.length - 6} more`)
  if (shell_command_after.length > 0) lost.push('what shell_command_after does')
  if (lost.length === 0) return
  found.odooChanges.push({
    folder,
    warning:
      `${where}: not in Odoo, which comes with the base image: ${lost.join(', ')}; ` +
      `make an image that has them and name it under base_image in fairway.yaml, then write \`sources: { ignore: [${JSON.stringify(key)}] }\` there`,
  })
}

function addRepository(found: DeclaredRepositories, folder: string, entry: YamlEntry<unknown>): void {
  const { remotes, merges, shell_command_after } = requireShape(repositorySchema, entry)
  if (shell_command_after !== undefined && shell_command_after.length > 0)
    throw invalidSources(
      entry.where,
      '`shell_command_after` is refused, as nothing of a repository is run: commit what it would change to a branch, and merge that',
    )
  const [first, ...others] = merges.map(({ remote, ref }): WantedCommit => {
    const url = remotes[remote]
    if (url === undefined || !Object.hasOwn(remotes, remote))
      throw invalidSources(entry.where, `a merge names the remote ${remote}, which \`remotes\` does not`)
    const address = url.replace(/^git\+(ssh|https?):/, '$1:')
    return /^[0-9a-f]{40}$/.test(ref)
      ? { url: address, ref: '', commit: ref }
      : { url: address, ref, commit: '' }
  })
  if (!first) return
  if (isCore({ folder, url: first.url })) passOver(found, folder, entry)
  else
    found.declarations.push({ folder, from: [first, ...others], declaredIn: entry.where, recursive: false })
}
