/**
 * For a message, the first of many and how many there are beside them: `a, b and 3 more`. No more of them are described than
 * are shown.
 */
export function listShort<T>(
  items: readonly T[],
  most: number,
  describe: (item: T) => string = String,
): string {
  return first(items, most, describe).join(', ') + rest(items, most, ' and')
}

/** As `listShort`, of what has commas of its own: `a; b; and 3 more`. */
export function listSentences<T>(
  items: readonly T[],
  most: number,
  describe: (item: T) => string = String,
): string {
  return first(items, most, describe).join('; ') + rest(items, most, '; and')
}

const first = <T>(items: readonly T[], most: number, describe: (item: T) => string) =>
  items.slice(0, most).map((item) => describe(item))

const rest = (items: readonly unknown[], most: number, and: string) =>
  items.length > most ? `${and} ${items.length - most} more` : ''
