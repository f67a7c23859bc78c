import { create } from '@bufbuild/protobuf'
import type { Document as YamlDocument } from 'yaml'
import type { z } from 'zod'
import {
  CellStage,
  InstallMode,
  type ProjectConfig,
  ProjectConfigSchema,
  type StageConfig,
  StageConfigSchema,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { variablesOf } from '../environment/stage-variables.ts'
import { TaskError } from '../faults/task-error.ts'
import { findNearest } from '../words/nearest.ts'
import { trimEnd } from '../words/trim.ts'
import { readYamlDocument } from '../yaml/read-yaml.ts'
import { type FairwayFile, fairwaySchema } from './schema.ts'
import { keyOffset, valueOffset } from './yaml-places.ts'

export const fairwayFileName = 'fairway.yaml'
const maxBytes = 128 * 1024
const mostShown = 5

/** What a task falls back to where fairway.yaml says nothing. */
export interface ProjectDefaults {
  odooVersion: string
  baseImage: string
}

/**
 * Checks fairway.yaml and fills in every default; a repository without the file (`undefined`) is all defaults.
 * Throws TaskError `config-invalid` naming each fault with line, column and a hint.
 */
export function parseFairwayFile(text = ''): FairwayFile {
  if (Buffer.byteLength(text) > maxBytes) throw invalid([`larger than ${maxBytes / 1024} KiB`])
  const { document, ...yaml } = readYamlDocument(text, { version: '1.2' })
  const at = (offset: number) => {
    const { line, column } = yaml.at(offset)
    return `${line}:${column}`
  }
  const faults = yaml.faultsOf(document, mostShown)
  if (faults.count > 0)
    throw invalid(
      faults.first.map(({ offset, message }) => `${at(offset)}: ${message}`),
      faults.count,
    )
  const result = fairwaySchema.safeParse(toPlain(document))
  if (result.success) return result.data
  const { issues } = result.error
  // Each place is looked for from the beginning: only for those that are shown.
  const shown = issues.slice(0, mostShown).flatMap((issue) => describe(issue, document, at))
  throw invalid(
    shown,
    issues.reduce((sum, issue) => sum + faultsIn(issue), 0),
  )
}

function toPlain(document: YamlDocument): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 }) ?? {}
  } catch (error) {
    // Aliases of aliases: no single place is at fault.
    throw invalid([`1:1: ${error instanceof Error ? error.message : String(error)}`])
  }
}

type Issue = z.core.$ZodIssue

function describe(issue: Issue, document: YamlDocument, at: (offset: number) => string): string[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, mostShown).map((key) => {
      const place = keyOffset(document, path, key)
      return `${at(place)}: unknown key \`${key}\`${hint(key, path)}`
    })
  const name = path.length > 0 ? `\`${path.join('.')}\`: ` : ''
  return [`${at(valueOffset(document, path))}: ${name}${explain(issue)}`]
}

const faultsIn = (issue: Issue) => (issue.code === 'unrecognized_keys' ? issue.keys.length : 1)

function explain(issue: Issue): string {
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join(', ')
  if (issue.code !== 'invalid_union') return issue.message
  const nested = issue.errors.flat().map((inner) => inner.message)
  return [...new Set(nested)].join(', or: ')
}

const stageKeys = Object.keys(fairwaySchema.shape.production.unwrap().shape)
const smokeKeys = ['path', 'status', 'contains']
const pythonKeys = Object.keys(fairwaySchema.shape.python.unwrap().shape)
const environmentKeys = Object.keys(fairwaySchema.shape.environment.unwrap().shape)
const knownLogKeys = ['logger', 'begins']
const sourcesKeys = Object.keys(fairwaySchema.shape.sources.unwrap().shape)

function hint(key: string, path: (string | number)[]): string {
  const known = knownKeys(path)
  if (known.includes(key)) return ', which does not go with the keys beside it'
  const nearest = findNearest(key, known)
  return nearest ? `, did you mean \`${nearest}\`?` : `, known are: ${known.join(', ')}`
}

function knownKeys(path: (string | number)[]): string[] {
  if (path.length === 0) return Object.keys(fairwaySchema.shape)
  if (path[0] === 'environment') return environmentKeys
  if (path[0] === 'sources') return sourcesKeys
  if (path[0] === 'python') return pythonKeys
  if (path[0] === 'known_log') return knownLogKeys
  return path.includes('smoke') ? smokeKeys : stageKeys
}

function invalid(faults: readonly string[], count = faults.length): TaskError {
  const shown = faults.slice(0, mostShown).map((fault) => `${fairwayFileName}:${fault}`)
  const rest = count - shown.length
  return new TaskError('config-invalid', shown.join('; ') + (rest > 0 ? `; and ${rest} more` : ''))
}

const stages = {
  production: CellStage.PRODUCTION,
  staging: CellStage.STAGING,
  development: CellStage.DEVELOPMENT,
}

/** What the file says, as tasks and the server know it. */
export function toProjectConfig(file: FairwayFile, defaults: ProjectDefaults): ProjectConfig {
  return create(ProjectConfigSchema, {
    odooVersion: file.odoo ?? defaults.odooVersion,
    baseImage: file.base_image ?? defaults.baseImage,
    addonsPaths: file.addons_paths.map((path) => trimEnd(path.replace(/^\.\//, ''), '/')),
    apt: [...new Set(file.apt)].sort(),
    pythonIndex: file.python.index ?? '',
    renamed: file.renamed,
    branches: Object.entries(file.branches).map(([pattern, stage]) => ({ pattern, stage: stages[stage] })),
    production: toStageConfig(file, 'production'),
    staging: toStageConfig(file, 'staging'),
    development: toStageConfig(file, 'development'),
    secretScanIgnore: file.secret_scan.ignore,
    knownLog: file.known_log,
  })
}

function toStageConfig(file: FairwayFile, name: keyof typeof stages): StageConfig {
  const stage = file[name]
  const { modules, tests } = stage
  return create(StageConfigSchema, {
    installMode: modules === 'own' ? InstallMode.OWN : modules === 'all' ? InstallMode.ALL : InstallMode.LIST,
    modules: typeof modules === 'string' ? [] : modules,
    demo: stage.demo,
    // Empty stands for the own modules of the closure.
    testTags: tests === true ? '' : tests === false ? 'none' : tests,
    smoke: stage.smoke,
    resources: {
      memoryBytes: BigInt(stage.memory),
      milliCpus: Math.round(stage.cpus * 1000),
      maxProcesses: stage.processes,
    },
    workers: stage.workers,
    variables: variablesOf(name, file.environment),
  })
}
