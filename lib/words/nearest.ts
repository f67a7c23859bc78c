/** ` Did you mean grant.manage?` for the known word that is most like it; empty where none is much like it. */
export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = findNearest(word, known)
  return nearest ? ` Did you mean ${nearest}?` : ''
}

/** Another name that was probably meant: at most two letters, or a third of them, differ. */
export function findNearest(wanted: string, known: Iterable<string>): string | undefined {
  let best: { name: string; distance: number } | undefined
  for (const name of known) {
    if (name === wanted) continue
    // As many letters at least would differ: a word of any length costs no more than the known ones allow.
    if (Math.abs(name.length - wanted.length) > 4) continue
    const distance = editDistance(wanted.toLowerCase(), name.toLowerCase())
    if (!best || distance < best.distance) best = { name, distance }
  }
  return best && best.distance <= Math.max(wanted.length > 3 ? 2 : 1, Math.floor(wanted.length / 3))
    ? best.name
    : undefined
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same)
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row.push(cost)
    }
    beforeLast = last
    last = row
  }
  return last[right.length]!
}
