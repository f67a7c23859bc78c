import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from '../../agent/process.ts'
import { serveGit } from '../../packaging/dev/git-server/cgi.ts'

/** A git server for tests: real smart HTTP, from git's own `http-backend`, on 127.0.0.1. */
export interface GitServer extends AsyncDisposable {
  readonly url: string
  createRepository(name: string): Promise<TestRepository>
  /** Where the repositories are, for a server of another kind. */
  readonly directory: string
  /** Path and `authorization` header of every request so far. */
  readonly requests: readonly { path: string; authorization: string | undefined }[]
}

export interface GitServerOptions {
  /** `user:password` that every request has to present. */
  basicAuth?: string
  /** Sends every request on to the same path there. */
  redirectTo?: string
  /** Asked about every request: true where it answers in the place of git. */
  answer?(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** Where it listens instead of on 127.0.0.1. */
  address?: string
}

export interface TestRepository {
  readonly url: string
  /** Replaces all files by these, commits and pushes; answers the commit id. */
  commit(
    files: Record<string, string | Uint8Array>,
    options?: { branch?: string; message?: string },
  ): Promise<string>
  /** Git itself, in the work tree, for what `commit` can't do. */
  git(...args: string[]): Promise<string>
  push(branch?: string): Promise<void>
}

export async function startGitServer(options: GitServerOptions = {}): Promise<GitServer> {
  const { address = '127.0.0.1' } = options
  const directory = await mkdtemp(join(tmpdir(), 'fairway-git-'))
  const served = join(directory, 'served')
  await mkdir(served)
  const requests: { path: string; authorization: string | undefined }[] = []
  const expected = options.basicAuth && `Basic ${Buffer.from(options.basicAuth).toString('base64')}`
  const server = createServer((request, response) => {
    const { authorization } = request.headers
    requests.push({ path: request.url ?? '', authorization })
    if (expected && authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
      return
    }
    if (options.redirectTo) {
      response.writeHead(302, { location: `${options.redirectTo}${request.url}` }).end()
      return
    }
    const answering = options.answer?.(request, response) ?? Promise.resolve(false)
    answering
      .then(async (done) => void (done || (await serveGit(request, response, served))))
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const url = `http://${address}:${(server.address() as AddressInfo).port}`

  return {
    url,
    directory: served,
    requests,
    async createRepository(name) {
      const bare = join(served, name)
      const work = join(directory, 'work', name)
      await mkdir(work, { recursive: true })
      await run('git', ['init', '--quiet', '--bare', '-b', 'main', bare])
      await run('git', ['-C', bare, 'config', 'uploadpack.allowReachableSHA1InWant', 'true'])
      await run('git', ['-C', bare, 'config', 'uploadpack.allowFilter', 'true'])
      const git = async (...args: string[]) => {
        const identity = [
          '-c',
          'user.name=Test',
          '-c',
          'user.email=test@example.test',
          '-c',
          'protocol.file.allow=always',
        ]
        return (
          await run('git', ['-C', work, ...identity, ...args], { env: { HOME: directory } })
        ).stdout.trim()
      }
      await git('init', '--quiet', '-b', 'main')
      await git('remote', 'add', 'origin', bare)
      // Files are committed as they are given, whatever .gitattributes is among them.
      await writeFile(join(work, '.git', 'info', 'attributes'), '* -text -ident -filter\n')
      const push = async (branch = 'main') => {
        await git('push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`)
      }
      return {
        url: `${url}/${name}`,
        git,
        push,
        async commit(files, { branch = 'main', message = 'Change something' } = {}) {
          await git('rm', '-r', '--quiet', '--ignore-unmatch', '-f', '.')
          for (const [path, content] of Object.entries(files)) {
            await mkdir(dirname(join(work, path)), { recursive: true })
            await writeFile(join(work, path), content)
          }
          await git('add', '--all', '--force')
          await git('commit', '--quiet', '--allow-empty', '-m', message)
          await push(branch)
          return git('rev-parse', 'HEAD')
        },
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(directory, { recursive: true, force: true })
    },
  }
}
