import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { run } from './command.ts'
import { serveGit } from './git-server/cgi.ts'
import { createDelivery, type Webhook } from './git-server/delivery.ts'
import { eventsOf } from './git-server/payloads.ts'
import { listRefs, refChanges } from './git-server/refs.ts'

export type GitServerOptions = {
  /** Directory below which the bare repositories are, as `owner/name.git`. */
  root: string
  /** 0, the default: any free port. */
  port?: number
  /** Where pushes are reported to, as GitHub does. */
  webhook?: Webhook
  /** When given, a push must carry it as its basic-auth password. */
  pushToken?: string
  /** Closes the server. */
  signal?: AbortSignal
}

export type GitServer = {
  /** `http://127.0.0.1:PORT` */
  url: string
  port: number
  /** Make an empty bare repository `owner/name` and give its path and clone URL. */
  createRepository(name: string): Promise<{ path: string; cloneUrl: string }>
  /** Stop listening; the delivery in progress is finished, waiting retries are given up. Idempotent. */
  close(): Promise<void>
}

/**
 * A stand-in for GitHub in the demo and in tests: bare repositories over git's smart HTTP protocol on loopback. Anyone
 * who reaches it may fetch; only loopback may push. A push that was accepted is reported as GitHub would report it.
 */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  options.signal?.throwIfAborted()
  const root = resolve(options.root)
  const delivery = options.webhook && createDelivery(options.webhook)
  const pushes = new Map<string, Promise<void>>()

  /** Pushes to one repository are taken one after the other, so that each one's changes are its own. */
  function inTurn(repository: string, work: () => Promise<void>): Promise<void> {
    const turn = (pushes.get(repository) ?? Promise.resolve()).then(work)
    pushes.set(
      repository,
      turn.catch(() => {}),
    )
    return turn
  }

  async function receivePush(
    request: IncomingMessage,
    response: ServerResponse,
    repository: string,
    user: string,
  ) {
    const path = join(root, `${repository}.git`)
    const before = await listRefs(path)
    try {
      await serveGit(request, response, root, user)
    } finally {
      // whoever pushed may have gone away before the answer: the branches have changed all the same
      for (const change of refChanges(before, await listRefs(path))) {
        for (const event of await eventsOf(change, { path, fullName: repository, url, user }))
          delivery?.send(event)
      }
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
    const repository = /^\/([\w.-]+\/[\w.-]+)\.git\//.exec(pathname)?.[1]
    if (!repository) return refuse(response, 404, 'no such repository')
    const isPush =
      pathname.endsWith('/git-receive-pack') || searchParams.get('service') === 'git-receive-pack'
    if (!isPush) return serveGit(request, response, root)
    if (!isLoopback(request)) return refuse(response, 403, 'pushing is allowed from this machine only')
    const user = findPusher(request, options.pushToken)
    if (!user) return refuse(response, 401, 'a push needs the token as its password')
    if (request.method !== 'POST') return serveGit(request, response, root, user)
    await inTurn(repository, () => receivePush(request, response, repository, user))
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => {
      process.stderr.write(`git server: ${request.method} ${request.url}: ${error.message}\n`)
      if (!response.headersSent) refuse(response, 500, error.message)
      else response.destroy()
    })
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`

  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= (async () => {
      const ended = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await ended
      await Promise.all(pushes.values())
      await delivery?.close()
    })()
    return closed
  }
  options.signal?.addEventListener('abort', () => void close(), { once: true })

  return {
    url,
    port,
    close,
    createRepository: async (name) => ({
      path: await createBareRepository(root, name),
      cloneUrl: `${url}/${name}.git`,
    }),
  }
}

/** An empty bare repository `owner/name` below a git server's root, whether one runs or not; one that is there stays. */
export async function createBareRepository(root: string, name: string): Promise<string> {
  if (!/^[\w.-]+\/[\w.-]+$/.test(name)) throw new Error(`a repository is named owner/name, not ${name}`)
  const path = join(root, `${name}.git`)
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', path])
  return path
}

function refuse(response: ServerResponse, status: number, why: string): void {
  if (status === 401) response.setHeader('www-authenticate', 'Basic realm="git"')
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${why}\n`)
}

function isLoopback(request: IncomingMessage): boolean {
  return /^(127\.|::1$|::ffff:127\.)/.test(request.socket.remoteAddress ?? '')
}

/** Who pushes, or undefined when the token is wrong or missing. */
function findPusher(request: IncomingMessage, token: string | undefined): string | undefined {
  const [scheme, credentials = ''] = (request.headers.authorization ?? '').split(' ')
  const [user = '', password = ''] =
    scheme === 'Basic' ? Buffer.from(credentials, 'base64').toString().split(':') : []
  if (token !== undefined) {
    const [given, wanted] = [Buffer.from(password), Buffer.from(token)]
    if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
  }
  return user || 'developer'
}
