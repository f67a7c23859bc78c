/** ` Did you mean grant.manage?` for the known word that is most like it; empty where none is much like it. */
export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = findNearest(word, known)
  return nearest ? ` Did you mean ${nearest}?` : ''
}

/** The known word that is most like it; undefined where none is much like it. */
export function findNearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known
    // As many letters at least would differ: a word of any length costs no more than the known ones allow.
    .filter((candidate) => Math.abs(candidate.length - word.length) <= mostDiffering(candidate))
    .map((candidate) => ({ candidate, distance: distanceOf(word, candidate) }))
    .sort((a, b) => a.distance - b.distance)
  return best && best.distance <= mostDiffering(best.candidate) ? best.candidate : undefined
}

const mostDiffering = (candidate: string) => Math.max(2, candidate.length / 3)

/** Levenshtein's, one row at a time. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
