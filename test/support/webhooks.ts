import { createHmac, randomUUID } from 'node:crypto'

/** A commit of nobody's. */
export const pushedCommit = '0123456789abcdef0123456789abcdef01234567'

export interface Answer {
  readonly status: number
  readonly answer: Record<string, unknown>
}

/** A payload as GitHub sends it for a push, and what `more` says. */
export const githubPush = (repository: Record<string, unknown>, branch: string, more = {}) => ({
  ref: `refs/heads/${branch}`,
  after: pushedCommit,
  deleted: false,
  repository,
  pusher: { name: 'ben', email: 'ben@example.org' },
  head_commit: { message: 'Sell more' },
  ...more,
})

/** Delivers as GitHub does, signed with that secret. */
export const deliverGithub = (
  server: { url: string },
  secret: string,
  body: unknown,
  more?: { event?: string; delivery?: string },
): Promise<Answer> => postGithub(server, secret, JSON.stringify(body), more)

/** The same for bytes as they are. */
export async function postGithub(
  server: { url: string },
  secret: string,
  text: string,
  { event = 'push', delivery = randomUUID() as string, path = '/webhooks/github' } = {},
): Promise<Answer> {
  return await post(server, path, text, {
    'x-github-event': event,
    'x-github-delivery': delivery,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`,
  })
}

export async function post(
  server: { url: string },
  path: string,
  body: string,
  headers: Record<string, string>,
): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> }
}
