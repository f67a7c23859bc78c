import { requireSourceUrl, sourceProtocols } from '../../lib/addresses/git-url.ts'
import type { BaseDocument } from '../../lib/repository/base-document.ts'
import { ClosureFault, withMore } from '../../lib/repository/closure-faults.ts'
import { toProjectConfig } from '../../lib/repository/fairway-yaml.ts'
import type { ModuleFacts } from '../../lib/repository/module-facts.ts'
import { always } from '../../lib/repository/module-graph.ts'
import { readPins } from '../../lib/repository/pins.ts'
import type { FairwayFile } from '../../lib/repository/schema.ts'
import { isCore } from '../../lib/repository/sources/declaration.ts'
import { mayBringAddons } from '../../lib/requirements/addon-bringers.ts'
import type { ProjectRequirements } from '../../lib/requirements/requirements-file.ts'
import { requireVersion } from '../../lib/resolve/base-facts.ts'
import { type Closing, createCloser, type WholeStage } from '../../lib/resolve/closer.ts'
import { type DeclaredFiles, readDeclaredFiles } from '../../lib/resolve/declared-files.ts'
import { judgeImageModules } from '../../lib/resolve/image-modules.ts'
import {
  type FoundAddons,
  findAddons,
  readProjectRequirements,
  type SearchedProject,
} from '../../lib/resolve/project-addons.ts'
import { stageNames } from '../../lib/resolve/stage-modules.ts'
import { tellModules, tellStage } from '../../lib/resolve/tell-closed.ts'
import { listShort } from '../../lib/words/list-short.ts'
import type { ProjectConfig } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { assumeModules } from './assumed-base.ts'
import type { Findings } from './findings.ts'
import type { WorkingCopy } from './working-copy.ts'

const shown = 10

/** What decides beside the other files. */
export interface CheckedBy {
  readonly file: FairwayFile
  /** What the project's base image holds; undefined where nobody knows it. */
  readonly base: BaseDocument | undefined
  /** Of the project, where fairway.yaml says none. */
  readonly odooVersion: string
}

/** What was found, and what could not be judged. */
export interface Checked {
  /** What decided. */
  readonly base: BaseDocument | undefined
  /** Names of modules that are taken to be where nobody looked: in the base image, in other repositories. */
  readonly unjudged: readonly string[]
}

/**
 * Applies to files what a build's resolve applies to those of a commit, by the same functions in the same order; goes on behind
 * what would end the build, as far as that makes sense. What takes a host is left to the build: sources are not fetched, and
 * packages not resolved.
 */
export async function checkProject(
  copy: Pick<WorkingCopy, 'assembly' | 'files' | 'hasFolder' | 'name' | 'submodules'>,
  by: CheckedBy,
  findings: Findings,
): Promise<Checked> {
  const { file } = by
  const { telling } = findings
  const { files } = copy
  const base = await baseFor(by, findings)
  const config = toProjectConfig(file, {
    odooVersion: by.odooVersion,
    baseImage: by.base?.image ?? '',
  })
  await findings.attempt(() => readPins(files, { lock: '', refresh: false }))
  const declaring = { file, config, base, hasFolder: copy.hasFolder }
  const declared = await findings.attempt(() => readDeclaredFiles(files, declaring, telling))
  if (!declared) return { base, unjudged: [] }
  const elsewhere = await tellSources(declared, findings)
  const project: SearchedProject = {
    ...copy,
    submodules: copy.submodules.map(({ path }) => path),
    config,
    file,
    declared,
  }
  const found = await findings.attempt(() => findAddons(project, async () => undefined, telling))
  if (!found) return { base, unjudged: [] }
  const requirements = await findings.attempt(() =>
    readProjectRequirements(project, found.addons, true, telling),
  )
  const isPartial = base === undefined || elsewhere || copy.submodules.some(({ state }) => state !== 'read')
  const unjudged = await closeAll(project, { found, requirements, base, isPartial }, findings)
  return { base, unjudged }
}

/** An image of another series than the project's judges nothing. */
async function baseFor(
  { base, file, odooVersion }: CheckedBy,
  findings: Findings,
): Promise<BaseDocument | undefined> {
  if (!base) return undefined
  const asked = { baseImage: base.image, odooVersion: file.odoo ?? odooVersion }
  return await findings.attempt(async () => {
    requireVersion(asked, base)
    return base
  })
}

/** Whether there are repositories that nobody looks at here. */
async function tellSources({ sources }: DeclaredFiles, findings: Findings): Promise<boolean> {
  const others = sources.declarations.filter(({ folder, from }) => !isCore({ folder, url: from[0].url }))
  for (const { declaredIn, from } of others)
    for (const { url } of from)
      await findings.attempt(async () => {
        try {
          requireSourceUrl(url, { protocols: sourceProtocols })
        } catch (error) {
          throw atPlace(declaredIn, error)
        }
      })
  if (others.length === 0) return false
  const names = listShort(others, shown, ({ folder, declaredIn }) => `${folder} (${declaredIn})`)
  findings.add('note', `not looked at, as a build fetches them: ${names}`)
  return true
}

function atPlace(place: string, error: unknown): unknown {
  if (error instanceof Error) error.message = `${place}: ${error.message}`
  return error
}

interface Closed {
  readonly found: FoundAddons
  readonly requirements: ProjectRequirements | undefined
  readonly base: BaseDocument | undefined
  /** There is more that modules may be in. */
  readonly isPartial: boolean
}

/** Closes the modules of each stage; gives the names that nobody here can judge. */
async function closeAll(
  { files, assembly, config, declared }: SearchedProject,
  { found, requirements, base, isPartial }: Closed,
  findings: Findings,
): Promise<string[]> {
  const { telling } = findings
  const { series } = declared
  const hidden = new Set(found.addons.map(({ module }) => module))
  const known = base
    ? await findings.attempt(async () => judgeImageModules(base, { hidden, series }, telling))
    : new Map<string, ModuleFacts>()
  if (!known) return []
  const assumed = isPartial
    ? assumeModules(found.addons, found.leftOut, wantedOf(config), known)
    : new Map<string, ModuleFacts>()
  // Every Odoo has it.
  const unjudged = [...assumed.keys()].filter((name) => name !== always)
  const image = new Map([...known, ...assumed])
  const closed = { ...found, files, assembly, config, series, image }
  const mayBring = requirements !== undefined && mayBringAddons(requirements, base ?? { distributions: {} })
  // Of each stage its own: one says of a file once that it is not there.
  const newCloser = () => createCloser(closed, async (stage) => stage, telling)
  const closer = newCloser()
  const closing = await findings.attempt(() => closer.close([], mayBring || isPartial))
  if (!closing) return unjudged
  const whole: WholeStage[] = []
  for (const [stage, name] of stageNames) {
    const mendable = mayBring ? closer.findMendable(closing, stage) : undefined
    if (mendable?.fault instanceof ClosureFault) {
      const more = '; whether a Python package of the requirements mends it is not known'
      findings.add('warning', withMore(mendable.fault, more).message, { stage: name })
    } else {
      const one = await findings.attempt(() => newCloser().requireWhole(closing, stage), name)
      if (one) whole.push(one)
    }
  }
  tellWhole(whole, closing, { found, base, assembly, config }, findings)
  return unjudged
}

function tellWhole(
  whole: readonly WholeStage[],
  { modules, stages }: Closing,
  {
    found,
    base,
    assembly,
    config,
  }: Pick<Closed, 'found' | 'base'> & Pick<SearchedProject, 'assembly' | 'config'>,
  findings: Findings,
): void {
  const [first] = whole
  if (!first) return
  const { placed } = first
  const image = base ?? { modules: {} }
  tellModules({ addons: found.addons, packaged: [], stages, placed, assembly, image }, findings.telling)
  for (const { stage } of whole)
    tellStage(stage, placed, modules, config, findings.tellingOf(stageNames.get(stage.stage) ?? ''))
}

const wantedOf = ({ production, staging, development, renamed }: ProjectConfig): string[] => [
  ...[production, staging, development].flatMap((stage) => stage?.modules ?? []),
  ...Object.values(renamed),
]
