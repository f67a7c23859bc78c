/** Of a repository's list of branches, encoded as an agent's answer; one message of the link takes 4 MiB. */
export const branchListLimitBytes = 3 * 1_048_576

const longestName = 240

/**
 * Whether a branch can be told of by its name: names are bytes to git, and those that are no text come out as `U+FFFD`, many as
 * the same one and each three times as long.
 */
export const isLegibleBranch = (name: string): boolean =>
  name !== '' && name.length <= longestName && !/[\p{Cc}\ufffd]/u.test(name)
