import { findTip, isForced, listCommits, noCommit, type RefChange } from './refs.ts'

export type WebhookEvent = { name: 'push' | 'delete'; payload: object }

export type PushedRepository = {
  /** Of the bare repository on disk. */
  path: string
  /** `owner/name` */
  fullName: string
  /** Of the git server. */
  url: string
  /** Who pushed. */
  user: string
}

/**
 * The events GitHub sends for one changed ref: `push`, and for a branch or tag that is gone `delete` as well.
 * Shapes: docs.github.com, "Webhook events and payloads".
 */
export async function eventsOf(change: RefChange, repository: PushedRepository): Promise<WebhookEvent[]> {
  const push: WebhookEvent = { name: 'push', payload: await pushPayload(change, repository) }
  if (change.after !== noCommit) return [push]
  const [, type, ref] = /^refs\/(head|tag)s\/(.*)$/.exec(change.ref) ?? []
  const payload = {
    ref,
    ref_type: type === 'tag' ? 'tag' : 'branch',
    pusher_type: 'user',
    ...about(repository),
  }
  return [push, { name: 'delete', payload }]
}

async function pushPayload(change: RefChange, repository: PushedRepository): Promise<object> {
  const { path, user } = repository
  return {
    ...change,
    created: change.before === noCommit,
    deleted: change.after === noCommit,
    forced: await isForced(path, change),
    base_ref: null,
    commits: await listCommits(path, change),
    head_commit: (await findTip(path, change)) ?? null,
    pusher: { name: user, email: `${user}@localhost` },
    ...about(repository),
  }
}

function about({ fullName, url, user }: PushedRepository) {
  const [owner, name] = fullName.split('/')
  return {
    repository: {
      name,
      full_name: fullName,
      private: true,
      owner: { login: owner, name: owner },
      html_url: `${url}/${fullName}`,
      clone_url: `${url}/${fullName}.git`,
      default_branch: 'main',
    },
    sender: { login: user, type: 'User' },
  }
}
