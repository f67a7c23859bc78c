import type { Deployment } from '../../db/record.ts'

/**
 * Why these rules, read from the branch that just went to production, can't become the project's; undefined when they
 * can. They must keep that one branch production and make no other so, or the next push would change which branch it is.
 */
export function faultOfRules(rules: Deployment['branchRules'], productionBranch: string): string | undefined {
  const production = rules.filter(({ stage }) => stage === 'production').map(({ pattern }) => pattern)
  if (production.length === 1 && production[0] === productionBranch) return undefined
  const named =
    production.length > 0 ? `they make ${production.join(', ')} production` : 'they have no production branch'
  return `${named}, but this project's production branch is ${productionBranch}`
}
