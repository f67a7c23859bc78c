import { requireSourceUrl } from '../../../lib/addresses/git-url.ts'
import { matchesGlob } from '../../../lib/glob/matches-glob.ts'
import { MissingModules } from '../../../lib/repository/closure-faults.ts'
import { fairwayFileName } from '../../../lib/repository/fairway-yaml.ts'
import type { ModuleSources } from '../../../lib/repository/module-graph.ts'
import type { FairwayFile } from '../../../lib/repository/schema.ts'
import { isFolderName, nameOf } from '../../../lib/repository/sources/declaration.ts'
import type { StageClosure } from '../../../lib/resolve/stage-modules.ts'
import { listShort } from '../../../lib/words/list-short.ts'
import type { Mirrors } from '../../git/mirrors.ts'
import { findModules, type IndexedRepository, type ModuleSearch } from '../../module-index/find-modules.ts'
import { ocaRepositories } from '../../module-index/oca-repositories.ts'
import { type DeclaringFile, proposeLines } from '../../module-index/proposal.ts'
import { type TaskContext, TaskError } from '../task.ts'
import type { Declared } from './read-declared.ts'
import type { Resolving } from './resolving.ts'

export interface ProposalContext {
  readonly sources: FairwayFile['sources']
  readonly modules: ModuleSources
  readonly declaring: DeclaringFile
  readonly mirrors: Mirrors
  readonly workDirectory: string
  /** Whose answers are kept apart; empty: nobody's. */
  readonly shownTo: string
  /** Asks anew, whatever was answered before. */
  readonly refresh: boolean
  /** Addresses that may be asked, by the project's policy; undefined: of a server that has no such rule. */
  readonly allowed: readonly string[] | undefined
}

const shown = 10

/** @param found the modules as they were closed, and the sources that are there. */
export function proposalOf(
  { context, input, mirrors, secrets, services }: Resolving,
  { defaults, file, series, sources }: Declared,
  found: { readonly modules: ModuleSources; readonly sources: readonly { readonly url: string }[] },
): ProposalContext {
  const declared = found.sources.map(({ url }) => url)
  return {
    sources: file.sources,
    modules: found.modules,
    declaring: { ...sources.declaringFile, pattern: defaults.pattern, series, declared },
    mirrors,
    workDirectory: services.workDirectory,
    shownTo: Object.keys(secrets).length + input.networkAllow.length > 0 ? context.project : '',
    refresh: input.refresh,
    allowed: input.moduleIndex?.repositories,
  }
}

const dayMs = 24 * 3_600_000
/** A build that fails is to fail soon; what was looked at is there for the next one. */
const budgetMs = 30_000

/**
 * A stage that modules are missing for is told which repositories have them, and what these need in turn. Nothing is taken
 * that the project does not declare itself, and nobody is asked whom the policy does not allow. What was looked at, by
 * commit, is the artifact `module-index.json`.
 */
export async function proposeSources(
  asked: StageClosure,
  wanted: ProposalContext,
  context: Pick<TaskContext, 'artifact' | 'log' | 'signal'>,
): Promise<StageClosure> {
  const { fault } = asked
  const { index } = wanted.sources
  if (!(fault instanceof MissingModules) || index === false || wanted.declaring.series === '') return asked
  const { leftOut } = wanted.modules
  // What is here and left out is nobody else's to have.
  const missing = fault.modules.filter((module) => !leftOut?.has(module))
  if (missing.length === 0) return asked
  const named = (index.repositories ?? ocaRepositories).map((one) => requireRepository(one, wanted))
  const repositories = named.filter(({ url }) => isAllowed(url, wanted))
  if (repositories.length < named.length)
    context.log(
      'fairway',
      `not asked for what is missing, as sources.index of the policy does not allow it: ${listShort(
        named.filter((one) => !repositories.includes(one)),
        shown,
        ({ name }) => name,
      )}`,
    )
  if (repositories.length === 0) return asked
  context.log(
    'fairway',
    `missing: ${listShort(missing, shown)}; looking where they are, among ${repositories.length} repositories`,
  )
  const { own, image } = wanted.modules
  const search = await findModules(
    missing,
    (module) => own.has(module) || image.has(module),
    {
      ...wanted,
      repositories,
      ref: wanted.declaring.series,
      maxAgeMs: wanted.refresh ? 0 : index.days * dayMs,
      budgetMs,
    },
    context.signal,
  )
  context.artifact('module-index.json', 'application/json', new TextEncoder().encode(describeSearch(search)))
  const proposal = proposeLines(search, wanted.declaring)
  const message = proposal === '' ? fault.message : `${fault.message}. ${proposal}`
  return { ...asked, fault: new TaskError(fault.reason, message, { cause: fault }) }
}

const isAllowed = (url: string, { allowed }: Pick<ProposalContext, 'allowed'>) =>
  allowed === undefined || allowed.some((pattern) => matchesGlob(pattern, url))

function requireRepository(
  one: string,
  { mirrors, declaring }: Pick<ProposalContext, 'mirrors' | 'declaring'>,
): IndexedRepository {
  const url = isFolderName(one) ? declaring.pattern.replace('{}', one) : one
  try {
    requireSourceUrl(url, mirrors)
  } catch (error) {
    if (!(error instanceof TaskError)) throw error
    throw new TaskError(error.reason, `${fairwayFileName}: sources.index: ${error.message}`, { cause: error })
  }
  return { name: isFolderName(one) ? one : nameOf(url), url }
}

function describeSearch({ found, absent, looked, without, unread, left }: ModuleSearch): string {
  const repositories = looked
    .map(({ name, url, commit, asOf }) => ({ name, url, commit, asOf }))
    .sort((a, b) => (a.url < b.url ? -1 : 1))
  return `${JSON.stringify({ repositories, found, absent, withoutBranch: without, unread, notLookedAt: left }, null, 2)}\n`
}
