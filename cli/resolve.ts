import { Code, ConnectError } from '@connectrpc/connect'
import { ProjectService } from '../proto/gen/fairway/v1/projects_pb.js'
import { RunService } from '../proto/gen/fairway/v1/runs_pb.js'
import { CliError, usageError } from './errors.ts'
import { exitCodes } from './exit-codes.ts'
import { isRunId, isRunName, parseBuildName, parseEnvironmentName } from './refs.ts'
import type { Session } from './session.ts'

const buildForms = 'Name a build like `acme 12`, `acme/12` or `acme#12`.'
const runForms =
  'Name one by its id or the first digits of it, as `fairway evidence list` and `release history` have it, or as a build: `acme/12`.'
const environmentForms =
  'Name an environment like `acme production`, `acme/production` or `acme/release/1.0`.'

/** The build that the words name, with its project. Throws a usage error. */
export async function resolveBuild(
  session: Session,
  words: readonly string[],
): Promise<{ project: string; number: number }> {
  const name = parseBuildName(words)
  if (!name) throw unnamed(words, 'build', buildForms)
  return { project: name.project ?? (await onlyProject(session)), number: name.number }
}

/** Any run, by its id or the first digits of it, or as a build. Throws a usage error. */
export async function resolveRun(
  session: Session,
  words: readonly string[],
): Promise<{ runId: string } | { build: { project: string; number: number } }> {
  const [first = ''] = words
  if (words.length === 1 && isRunName(first)) return { runId: first }
  if (!parseBuildName(words)) throw unnamed(words, 'run', runForms)
  return { build: await resolveBuild(session, words) }
}

/** The same as its whole id, asked of the server. */
export async function resolveRunId(session: Session, words: readonly string[]): Promise<string> {
  const client = await session.client(RunService)
  const { run } = await client.getRun(await resolveRun(session, words), { signal: session.signal })
  if (!run) throw unnamed(words, 'run', runForms)
  return run.id
}

/** As many digits as approvals are shown with: words of less are names rather than ids. */
const shownDigits = 8

/**
 * The run's whole id, where a word that may be another name is one, or the first digits of one that is there; undefined
 * where it is not.
 */
export async function findRunNamed(session: Session, word: string): Promise<string | undefined> {
  if (isRunId(word)) return word
  if (!isRunName(word, shownDigits)) return undefined
  const client = await session.client(RunService)
  try {
    return (await client.getRun({ runId: word }, { signal: session.signal })).run?.id
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.NotFound) return undefined
    throw error
  }
}

/** The environment, by its own or its branch's name, with its project. Throws a usage error. */
export async function resolveEnvironment(
  session: Session,
  words: readonly string[],
): Promise<{ project: string; environment: string }> {
  const name = parseEnvironmentName(words)
  if (!name) throw unnamed(words, 'environment', environmentForms)
  const [likeliest, whole] = name.candidates
  if (likeliest?.project && !whole) return { project: likeliest.project, environment: likeliest.environment }
  const projects = await projectNames(session)
  if (likeliest?.project && (projects.includes(likeliest.project) || projects.length !== 1)) {
    return { project: likeliest.project, environment: likeliest.environment }
  }
  const environment = (whole ?? likeliest)?.environment ?? ''
  if (projects.includes(environment))
    throw usageError(
      `${environment} is a project: name an environment as well, as in \`${environment} production\` (fairway env list ${environment}).`,
    )
  return { project: pickOnly(projects), environment }
}

/** The project, where there is exactly one. */
export async function onlyProject(session: Session): Promise<string> {
  return pickOnly(await projectNames(session))
}

async function projectNames(session: Session): Promise<string[]> {
  const client = await session.client(ProjectService)
  const { projects } = await client.listProjects({}, { signal: session.signal })
  return projects.map(({ name }) => name)
}

function pickOnly(projects: readonly string[]): string {
  const [only] = projects
  if (only === undefined) {
    throw new CliError(
      exitCodes.notFound,
      'There is no project yet. Make one: `fairway project create NAME URL`.',
    )
  }
  if (projects.length === 1) return only
  throw usageError(`Name the project as well; there are several: ${projects.join(', ')}.`)
}

/** Who named nothing is told what a name looks like. */
const unnamed = (words: readonly string[], what: string, forms: string): CliError =>
  usageError(words.length === 0 ? forms : `${JSON.stringify(words.join(' '))} names no ${what}. ${forms}`)
