import { toBinary } from '@bufbuild/protobuf'
import { branchListLimitBytes, isLegibleBranch } from '../../lib/repository/branch-list.ts'
import { type Looked, LookedSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { RepositoryAnswer } from '../db/record.ts'

const longestText = 2_000
const mostHeads = 10_000
/** Of a number that an agent says. */
const mostPassedOver = 1_000_000

/** What an agent says, as it is kept: bounded and legible, whatever it is. */
export function answerOf(looked: Looked): RepositoryAnswer {
  if (toBinary(LookedSchema, looked).length > branchListLimitBytes) return tooLarge
  const heads = looked.heads.slice(0, mostHeads).filter(({ branch }) => isLegibleBranch(branch))
  const passedOver = looked.passedOver + looked.heads.length - heads.length
  return {
    reason: /^[a-z-]{0,60}$/.test(looked.reason) ? looked.reason : 'internal',
    error: clean(looked.error).slice(0, longestText),
    defaultBranch: isLegibleBranch(looked.defaultBranch) ? looked.defaultBranch : '',
    heads: heads.map(({ branch, commit }) => ({ branch, commit: clean(commit) })),
    passedOver: Math.min(passedOver, mostPassedOver),
  }
}

const tooLarge: RepositoryAnswer = {
  reason: 'repository-too-large',
  error: 'What the host says of its branches is too much: delete those that nobody needs',
  defaultBranch: '',
  heads: [],
}

/** PostgreSQL stores no NUL; nothing else that is not to be shown belongs into a line for people. */
const clean = (text: string) => text.toWellFormed().replaceAll(/\p{Cc}+/gu, ' ')
