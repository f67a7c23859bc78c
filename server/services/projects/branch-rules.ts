import { createHash } from 'node:crypto'
import { matchesGlob } from '../../../lib/glob/matches-glob.ts'
import type { Stage } from '../../db/tables/projects.ts'
import { invalid } from '../../errors.ts'

/** Which branches belong to a stage: a name, or a glob whose `*` stands for any characters, slashes included. */
export interface BranchRule {
  readonly pattern: string
  readonly stage: Stage
}

export const defaultBranchRules: readonly BranchRule[] = [
  { pattern: 'main', stage: 'production' },
  { pattern: 'release/*', stage: 'staging' },
  { pattern: 'feature/*', stage: 'development' },
]

/** The stage of the first rule that matches. */
export function stageOf(branch: string, rules: readonly BranchRule[]): Stage | undefined {
  return rules.find((rule) => matchesGlob(rule.pattern, branch))?.stage
}

export const describeRules = (rules: readonly BranchRule[]): string =>
  rules.map((rule) => `${rule.pattern} → ${rule.stage}`).join(', ')

/** Throws InvalidArgument for rules that no branch could follow or that give production to many. */
export function requireBranchRules(rules: readonly BranchRule[]): void {
  if (rules.length > 100) throw invalid('branch-rules', 'At most 100 branch rules are allowed.')
  const production = rules.filter((rule) => rule.stage === 'production')
  if (production.length !== 1) {
    throw invalid('branch-rules', 'Exactly one branch rule must have the stage production.')
  }
  for (const { pattern, stage } of rules) {
    if (stage === 'production' && pattern.includes('*')) {
      throw invalid('branch-rules', `Production is one branch: ${pattern} must not contain *.`)
    }
    requireBranchName(pattern.replaceAll('*', 'x'), 'branch-rules')
  }
}

const forbiddenInNames = [' ', '~', '^', ':', '?', '*', '[', '\\', '\x7f']

/** The rules of `git check-ref-format --branch`, and at most 200 characters. */
export function requireBranchName(name: string, field = 'branch'): void {
  const fault = findBranchNameFault(name)
  if (fault) throw invalid(field, `${JSON.stringify(name)} is not a branch name: ${fault}.`)
}

export function findBranchNameFault(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name.length > 200) return 'it has more than 200 characters'
  if (name.startsWith('-')) return 'it begins with a dash'
  if (name === '@' || name.includes('@{')) return 'git reserves @ and @{'
  if (name.includes('..')) return 'it contains ..'
  if (name.endsWith('.')) return 'it ends with a dot'
  if (forbiddenInNames.some((c) => name.includes(c)) || [...name].some((c) => c < ' ')) {
    return 'it contains a space, a control character or one of ~^:?*[\\'
  }
  for (const part of name.split('/')) {
    if (part === '') return 'it has an empty part between slashes'
    if (part.startsWith('.') || part.endsWith('.lock')) return 'a part begins with a dot or ends with .lock'
  }
  return undefined
}

const slugLength = 40

/**
 * A branch's name as a DNS label of at most 40 characters. `plain` reads best, but several branches can share it
 * (`a/b` and `a-b`); `distinct` ends in a hash of the whole name. Equal only for equal branches.
 */
export function slugOf(branch: string, form: 'plain' | 'distinct' = 'plain'): string {
  const label = branch
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
  if (form === 'plain' && label !== '' && label.length <= slugLength) return label
  const hash = createHash('sha256').update(branch).digest('hex').slice(0, 10)
  const head = label.slice(0, slugLength - hash.length - 1).replace(/-$/, '')
  return head === '' ? `b-${hash}` : `${head}-${hash}`
}
