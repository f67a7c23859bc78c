import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * Answer one request with git's own CGI program, `git http-backend` (CGI/1.1, RFC 3875). It accepts a push only from a
 * named user. Resolves when git has ended and the answer is sent.
 */
export async function serveGit(
  request: IncomingMessage,
  response: ServerResponse,
  root: string,
  user?: string,
): Promise<void> {
  const git = spawn('git', ['http-backend'], {
    env: environmentOf(request, root, user),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(git, 'close')
  // git may answer, and close its input, without reading the whole request: that is not a fault of ours
  pipeline(request, git.stdin).catch((error: NodeJS.ErrnoException) => {
    if (!['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET'].includes(error.code ?? '')) git.kill()
  })
  try {
    sendHead(response, await readHead(git.stdout))
    await pipeline(git.stdout, response)
  } finally {
    git.stdout.destroy()
    await ended
  }
}

/** The CGI header; what follows it stays to be read. */
async function readHead(stdout: Readable): Promise<string> {
  let read = Buffer.alloc(0)
  for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
    read = Buffer.concat([read, chunk])
    const end = read.indexOf('\r\n\r\n')
    if (end < 0) continue
    stdout.unshift(read.subarray(end + 4))
    return read.subarray(0, end).toString()
  }
  throw new Error('git http-backend ended without an answer')
}

function sendHead(response: ServerResponse, head: string): void {
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(/:\s*(.*)/s)
    if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10)
    else response.appendHeader(name, value)
  }
}

function environmentOf(request: IncomingMessage, root: string, user?: string): NodeJS.ProcessEnv {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s)
  const { headers } = request
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GATEWAY_INTERFACE: 'CGI/1.1',
    REQUEST_METHOD: request.method,
    PATH_INFO: decodeURIComponent(path),
    QUERY_STRING: query,
    REMOTE_ADDR: request.socket.remoteAddress,
    ...(user && { REMOTE_USER: user }),
    ...(headers['content-type'] && { CONTENT_TYPE: headers['content-type'] }),
    ...(headers['content-length'] && { CONTENT_LENGTH: headers['content-length'] }),
    ...(headers['content-encoding'] && { HTTP_CONTENT_ENCODING: headers['content-encoding'] }),
    ...(headers['git-protocol'] && { GIT_PROTOCOL: String(headers['git-protocol']) }),
  }
}
