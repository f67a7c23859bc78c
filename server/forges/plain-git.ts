import { createHash } from 'node:crypto'
import { invalid } from '../errors.ts'
import { branchOf, type Change, isNoCommit, tagsAreNotBuilt } from './event.ts'
import { type Forge, headerOf } from './forge.ts'

/** Of one push; more are no work of people. */
const mostBranches = 200

/**
 * A post-receive hook of a bare repository, which hands on what git tells it (githooks(5)): a line `old new ref` for each ref.
 * It says neither who it is nor of which repository: the address has the project's id, and the secret comes with it.
 */
export const plainGit: Forge = {
  name: 'git',
  label: 'git',
  neededHeaders: 'X-Fairway-Delivery',
  findName(request) {
    const id = headerOf(request, 'x-fairway-delivery')
    return /^[\w.-]{1,60}$/.test(id) ? { id, event: 'push' } : undefined
  },
  // The hook counts seconds and processes, and several machines may do so.
  completeId: (id, body) => `${id}-${createHash('sha256').update(body).digest('hex').slice(0, 32)}`,
  findProof(request) {
    const token = headerOf(request, 'x-fairway-token')
    return token ? { token } : undefined
  },
  findActor: (request) => plainName(headerOf(request, 'x-fairway-pusher')),
  read: (body) => body.toString('utf8'),
  parse: (_event, payload) => ({
    // Whose it is, the address has said.
    repository: { slug: '', pin: undefined },
    actor: 'unknown',
    email: '',
    changes: parseRefs(String(payload)),
  }),
}

const linePattern = /^[0-9a-f]{40} ([0-9a-f]{40}) (refs\/\S{1,300})$/

/** Throws `invalid-payload` for what git does not hand to its hooks. */
export function parseRefs(text: string): Change[] {
  const changes: Change[] = []
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, after = '', ref = ''] = linePattern.exec(line) ?? []
    if (ref === '')
      throw invalid(
        'payload',
        `The line ${JSON.stringify(line.slice(0, 100))} is none of a post-receive hook (old id, new id and ref, by blanks), or of a repository of SHA-256, which Fairway does not know yet.`,
      )
    const branch = branchOf(ref)
    if (branch === undefined) continue
    changes.push(
      isNoCommit(after) ? { kind: 'delete', branch } : { kind: 'push', branch, commit: after, message: '' },
    )
    if (changes.length > mostBranches)
      throw invalid(
        'payload',
        `More than ${mostBranches} branches came in one push: push fewer at a time, or those that are to be built once more.`,
      )
  }
  return changes.length > 0 ? changes : [tagsAreNotBuilt]
}

/** The name of an account, as systems have them. */
const plainName = (text: string): string => text.replaceAll(/[^\w.@+-]/g, '').slice(0, 100)
