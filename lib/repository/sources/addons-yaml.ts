import { z } from 'zod'
import { invalidSources } from './declaration.ts'
import { parseYamlFile, requireShape, type YamlEntry } from './yaml-file.ts'

/** A repository of which addons are used, as one document of addons.yaml says. */
export interface EnabledRepository {
  /** As it is written: a folder beside the file, or one inside a repository there. */
  repository: string
  globs: readonly string[]
  /** `ENV` of the document. */
  environment: ReadonlyMap<string, string>
  where: string
}

export interface EnabledAddons {
  enabled: EnabledRepository[]
  warnings: string[]
  /** What is left out because the project said so. */
  notes: string[]
}

const glob = /^[\w*?![\]./-]{1,128}$/
const globsSchema = z.array(z.string().regex(glob, 'names of addons are expected, with * where any will do'))
const onlySchema = z.record(z.string(), z.array(z.string()))
const environmentSchema = z.record(z.string(), z.string())

/**
 * Reads Doodba's addons.yaml: documents whose `ONLY` does not hold for `variables` are passed over, which is said in
 * `warnings`. Throws TaskError `sources-invalid` with the line.
 */
export function parseAddonsYaml(
  text: string,
  file: string,
  variables: ReadonlyMap<string, string>,
): EnabledAddons {
  const enabled: EnabledRepository[] = []
  const warnings: string[] = []
  const notes: string[] = []
  for (const document of parseYamlFile(text, file, variables)) {
    const only = document.find(({ key }) => key === 'ONLY')
    const unmet =
      only &&
      Object.entries(requireShape(onlySchema, only)).find(([name, values]) => {
        const value = variables.get(name)
        return value === undefined || !values.includes(value)
      })
    if (only && unmet) {
      const [name] = unmet
      const now = variables.get(name)
      const leftOut = `${only.where}: this part is left out, as ${name}`
      if (now === undefined) warnings.push(`${leftOut} is not set under sources.variables in fairway.yaml`)
      else notes.push(`${leftOut} is ${now}`)
      continue
    }
    const env = document.find(({ key }) => key === 'ENV')
    const environment = new Map(env ? Object.entries(requireShape(environmentSchema, env)) : [])
    for (const entry of document) {
      if (entry.key === 'ONLY' || entry.key === 'ENV') continue
      requireList(entry)
      const globs = requireShape(globsSchema, entry)
      if (enabled.length >= 1000) throw invalidSources(entry.where, 'more than 1000 entries')
      enabled.push({ repository: entry.key, globs, environment, where: entry.where })
    }
  }
  return { enabled, warnings, notes }
}

/** `web: -'*'` is a text to YAML: a list's dashes stand on lines of their own, with a blank behind them. */
function requireList({ key, value, where }: YamlEntry<unknown>): void {
  if (Array.isArray(value)) return
  const words =
    typeof value === 'string' ? value.split(/\s+/).map((word) => word.replace(/^-|["'[\],]/g, '')) : []
  const meant = words.filter((word) => glob.test(word))
  const written = (meant.length > 0 ? meant : ['*']).slice(0, 5).map((word) => `"${word}"`)
  throw invalidSources(
    where,
    `\`${key.slice(0, 80)}\` needs a list of addons: ` +
      `write \`${key.slice(0, 80)}: [${written.join(', ')}]\`, or each below it on a line of its own, as \`  - ${written[0]}\` with a blank behind the dash`,
  )
}
