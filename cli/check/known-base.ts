import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ConnectError } from '@connectrpc/connect'
import { z } from 'zod'
import { parseUrl } from '../../lib/addresses/parse-url.ts'
import { type BaseDocument, parseBaseDocument } from '../../lib/repository/base-document.ts'
import { trimEnd } from '../../lib/words/trim.ts'
import { LockService } from '../../proto/gen/fairway/v1/locks_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { CliError, isNotFound, toCliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'

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

const entrySchema = z.object({
  project: z.string(),
  odooVersion: z.string(),
  /** Of the image; names the document. */
  digest: z.string(),
  sha256: z.string(),
  at: z.string(),
})
type Entry = z.infer<typeof entrySchema>

/** What is asked for: a project by its name, or by the address of its repository. */
export interface BaseWanted {
  readonly project: string | undefined
  readonly remote: string
  /** Nobody is asked. */
  readonly offline: boolean
}

/**
 * The server's word where one is logged in and it answers, and what it said last where not. Throws CliError `not found` for a
 * project that was named and is not there.
 */
export async function findBase(session: Session, wanted: BaseWanted): Promise<KnownBase> {
  const memory = openMemory(session, wanted)
  const remembered = await memory.read()
  const last = (note: string): KnownBase => ({
    base: remembered?.base,
    odooVersion: remembered?.entry.odooVersion ?? '',
    from: remembered ? `what ${session.server} said on ${remembered.entry.at.slice(0, 10)}` : '',
    note,
  })
  if (wanted.offline) return last('')
  if (!session.found.token) return last(`you are not logged in to ${session.server}`)
  if (!wanted.project && !wanted.remote)
    return last('the working copy has no remote `origin`: name the project with --project')
  try {
    const project = await findProject(session, wanted)
    if (!project)
      return last(`${session.server} has no project of ${plainUrl(wanted.remote)}: name it with --project`)
    const known = remembered?.entry.project === project.name ? remembered : undefined
    const client = await session.client(LockService)
    const request = { project: project.name, knownSha256: known?.entry.sha256 ?? '' }
    const { document, sha256 } = await client.getBaseImage(request, patience(session))
    const base = document === '' ? known?.base : parseBaseDocument(document)
    if (!base) return last(`what ${session.server} says of the base image is not understood: update fairway`)
    const { name, odooVersion } = project
    await memory.write(
      { project: name, odooVersion, digest: base.digest, sha256, at: new Date().toISOString() },
      document,
    )
    return { base, odooVersion, from: session.server }
  } catch (error) {
    session.signal.throwIfAborted()
    if (!(error instanceof ConnectError)) throw error
    const failure = toCliError(error, session.server)
    const isUnbuilt = error.metadata.get('fairway-reason') === 'base-image-not-found'
    if (wanted.project && isNotFound(error) && !isUnbuilt) throw failure
    return last(failure.message)
  }
}

/** A laptop may be where nobody answers and nobody refuses. */
const patience = ({ signal }: Session) => ({ signal, timeoutMs: 10_000 })

async function findProject(session: Session, { project, remote }: BaseWanted) {
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

function openMemory({ settings, server }: Session, { project, remote }: BaseWanted) {
  const folder = join(settings.cacheHome, 'fairway', 'base-images')
  const index = join(folder, 'projects.json')
  const key = `${server} ${project ? `project ${project}` : plainUrl(remote)}`
  const documentOf = (digest: string) => join(folder, `${digest.replaceAll(/[^\w]/g, '-')}.json`)
  const readIndex = async (): Promise<Record<string, Entry>> =>
    z.record(z.string(), entrySchema).safeParse(parseJson(await readIfThere(index))).data ?? {}
  return {
    async read(): Promise<{ entry: Entry; base: BaseDocument } | undefined> {
      const entry = (await readIndex())[key]
      const base = entry && parseBaseDocument(await readIfThere(documentOf(entry.digest)))
      return entry && base ? { entry, base } : undefined
    },
    async write(entry: Entry, document: string): Promise<void> {
      if (document !== '') await writeWhole(documentOf(entry.digest), document)
      await writeWhole(index, JSON.stringify({ ...(await readIndex()), [key]: entry }, null, 2))
    },
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

async function writeWhole(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const whole = `${path}.${process.pid}`
  await writeFile(whole, content, { mode: 0o600 })
  await rename(whole, path)
}
