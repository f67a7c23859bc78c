import { ConnectError } from '@connectrpc/connect'
import { parseUrl } from '../../lib/addresses/parse-url.ts'
import { type BaseDocument, parseBaseDocument } from '../../lib/repository/base-document.ts'
import { trimEnd } from '../../lib/words/trim.ts'
import { LockService } from '../../proto/gen/fairway/v1/locks_pb.js'
import { type Project, ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { CliError, isNotFound, toCliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { type KeptDocument, openKeptBases, sha256Of } from './kept-bases.ts'
import type { Memory } from './memory.ts'

/** What is known of a project's base image, and from where. */
export interface KnownBase {
  readonly base: BaseDocument | undefined
  /** Odoo's version by the project, where fairway.yaml says none. */
  readonly odooVersion: string
  /** For people: the server, or what is remembered of it. */
  readonly from: string
  /** Why it is not, or not newly, known. */
  readonly note?: string
}

/** Whom to ask. */
export interface Asking extends Pick<Session, 'client' | 'server' | 'signal'> {
  readonly found: Pick<Session['found'], 'token'>
}

/** What is asked for: a project by its name, or by the address of its repository. */
export interface BaseWanted {
  readonly project: string | undefined
  readonly remote: string
  /** As fairway.yaml names it; empty: the one that the server offers. */
  readonly image: string
  /** Nobody is asked. */
  readonly offline: boolean
}

/**
 * The server's word where one is logged in and it answers, and what it said last where not. Throws CliError `not found` for a
 * project that was named and is not there.
 */
export async function findBase(session: Asking, wanted: BaseWanted, memory: Memory): Promise<KnownBase> {
  const { project: name, remote, image } = wanted
  const kept = openKeptBases(memory.folder, [session.server, name ?? '', name ? '' : plainUrl(remote), image])
  const remembered = await memory.attempt(() => kept.read())
  const last = (note: string): KnownBase => ({
    base: remembered?.base,
    odooVersion: remembered?.odooVersion ?? '',
    from: remembered ? `what ${session.server} said on ${remembered.at.slice(0, 10)}` : '',
    note,
  })
  if (wanted.offline) return last('')
  if (!session.found.token) return last(`you are not logged in to ${session.server}`)
  if (!name && !remote)
    return last('the working copy has no remote `origin`: name the project with --project')
  try {
    const project = await findProject(session, wanted)
    if (!project)
      return last(`${session.server} has no project of ${plainUrl(remote)}: name it with --project`)
    const { document, ...known } = await ask(session, project, image, remembered?.document)
    const { odooVersion } = project
    await memory.attempt(() => kept.replace(document && { odooVersion, document }))
    return known
  } catch (error) {
    session.signal.throwIfAborted()
    if (!(error instanceof ConnectError)) throw error
    const failure = toCliError(error, session.server)
    if (name && isNotFound(error)) throw failure
    return last(failure.message)
  }
}

/** What the server says; `document` is what it is said by. */
async function ask(
  session: Asking,
  { name, odooVersion }: Pick<Project, 'name' | 'odooVersion'>,
  image: string,
  known: KeptDocument | undefined,
): Promise<KnownBase & { readonly document?: KeptDocument }> {
  const unknown = (note: string) => ({ base: undefined, odooVersion, from: '', note })
  const { server } = session
  const client = await session.client(LockService)
  const request = { project: name, image, knownSha256: known?.sha256 ?? '' }
  const answer = await client.getBaseImage(request, patience(session)).catch((error: unknown) => {
    if (error instanceof ConnectError && error.metadata.get('fairway-reason') === 'base-image-not-found')
      return unknown(toCliError(error, server).message)
    throw error
  })
  if ('note' in answer) return answer
  const { sha256 } = answer
  const text = answer.document === '' && sha256 === known?.sha256 ? known.text : answer.document
  const base = sha256Of(text) === sha256 ? parseBaseDocument(text) : undefined
  if (!base)
    return unknown(`what ${server} says of the base image is damaged or not understood: update fairway`)
  // A server of before the question tells of the image that any branch used last.
  if (image && base.image !== image) return unknown(`${server} knows the base image ${base.image} alone`)
  return { base, odooVersion, from: server, document: { sha256, text } }
}

/** A laptop may be where nobody answers and nobody refuses. */
const patience = ({ signal }: Pick<Asking, 'signal'>) => ({ signal, timeoutMs: 10_000 })

async function findProject(session: Asking, { project, remote }: BaseWanted) {
  const client = await session.client(ProjectService)
  if (project) return (await client.getProject({ project }, patience(session))).project
  const { projects } = await client.listProjects({}, patience(session))
  const same = projects.filter(({ repositoryUrl }) => plainUrl(repositoryUrl) === plainUrl(remote))
  if (same.length > 1) {
    const names = same.map(({ name }) => name).join(', ')
    throw new CliError(
      exitCodes.usage,
      `Several projects are of this repository, ${names}: name one with --project.`,
    )
  }
  return same[0]
}

/** Host and path: one address is written in several ways. */
export function plainUrl(url: string): string {
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/)(.+)$/.exec(url)
  const parsed = scp ? undefined : parseUrl(url)
  const whole = scp ? `${scp[1]}/${scp[2]}` : parsed ? `${parsed.host}${parsed.pathname}` : url
  const plain = trimEnd(whole, '/')
  return (plain.endsWith('.git') ? plain.slice(0, -4) : plain).toLowerCase()
}
