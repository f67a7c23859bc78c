/** What agents can ask for, and an index takes in any script. Git takes more; deliveries of such refs are refused. */
const longestName = 240

/** Why nothing is made of a branch of that name; undefined where something may be. */
export function findPassedOver(branch: string): string | undefined {
  if (branch.length > longestName) return `its name has more than ${longestName} characters`
  // What git said was no UTF-8: nobody could ask for it by that name.
  return branch.includes('\uFFFD') ? 'its name is not UTF-8' : undefined
}
