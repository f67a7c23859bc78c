import { create } from '@bufbuild/protobuf'
import { type RepositoryCheck, RepositoryCheckSchema } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { invalid } from '../../errors.ts'
import type { lookAtRepository } from './look.ts'

export type Looked = Awaited<ReturnType<typeof lookAtRepository>>

const shownBranches = 200

export function checkMessage(looked: Looked): RepositoryCheck {
  if ('unasked' in looked) return create(RepositoryCheckSchema, { done: false, note: looked.unasked })
  const { hosts, defaultBranch, heads, passedOver } = looked
  return create(RepositoryCheckSchema, {
    done: true,
    hosts: [...hosts],
    defaultBranch: isThere(looked, defaultBranch) ? defaultBranch : '',
    branches: heads.slice(0, shownBranches).map(({ branch }) => branch),
    branchCount: heads.length,
    passedOver,
  })
}

/** A new repository names a default branch that nobody has pushed yet. */
export const isThere = ({ heads }: Exclude<Looked, { unasked: string }>, name: string): boolean =>
  heads.some(({ branch }) => branch === name)

/** What to audit of it. */
export function checkDetails(looked: Looked) {
  if ('unasked' in looked) return { checked: false, why: looked.unasked }
  const { hosts, defaultBranch, heads } = looked
  return { checked: true, hosts, defaultBranch, branches: heads.length }
}

/** Undefined where the repository has none yet, or was not asked. */
export function defaultBranchOf(looked: Looked | undefined): string | undefined {
  if (!looked || 'unasked' in looked) return undefined
  return isThere(looked, looked.defaultBranch) ? looked.defaultBranch : undefined
}

/** Throws `invalid-default-branch` where the repository was seen, has branches, and not that one. */
export function requireSeenBranch(looked: Looked | undefined, branch: string): void {
  if (!looked || 'unasked' in looked || branch === '' || looked.heads.length === 0) return
  if (isThere(looked, branch)) return
  const known = looked.heads.slice(0, 10).map((head) => head.branch)
  const more = looked.heads.length > known.length ? ` and ${looked.heads.length - known.length} more` : ''
  throw invalid(
    'default-branch',
    `The repository has no branch ${branch}: it has ${known.join(', ')}${more}. Push it first, or leave the check out with --no-check.`,
  )
}
