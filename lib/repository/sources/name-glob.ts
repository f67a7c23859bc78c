/**
 * Whether a name fits a pattern with `*`, `?` and `[…]`, as a shell's. In time that grows with the product of their
 * lengths and no further, whatever the pattern.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const parts = partsOf(pattern)
  let part = 0
  let at = 0
  // Where the last `*` was, and how much of the name it stands for: no earlier one has to stand for more.
  let star = -1
  let covered = 0
  while (at < name.length) {
    const next = parts[part]
    if (next === '*') {
      star = part++
      covered = at
    } else if (next !== undefined && fits(next, name[at]!)) {
      part++
      at++
    } else if (star >= 0) {
      part = star + 1
      at = ++covered
    } else return false
  }
  while (parts[part] === '*') part++
  return part === parts.length
}

/** Single characters and `[…]`; a bracket that nothing closes is a character. */
function partsOf(pattern: string): string[] {
  const parts: string[] = []
  const lastClosing = pattern.lastIndexOf(']')
  for (let at = 0; at < pattern.length; ) {
    const end = pattern[at] === '[' && at < lastClosing ? endOfSet(pattern, at) : at
    parts.push(pattern.slice(at, end + 1))
    at = end + 1
  }
  return parts
}

/** A `]` right behind the beginning is a member, where another one closes the set. */
function endOfSet(pattern: string, at: number): number {
  const first = pattern[at + 1] === '!' ? at + 2 : at + 1
  if (pattern[first] !== ']') return pattern.indexOf(']', first)
  const next = pattern.indexOf(']', first + 1)
  return next < 0 ? first : next
}

function fits(part: string, letter: string): boolean {
  if (part === '?') return true
  if (part.length === 1) return part === letter
  const negated = part[1] === '!'
  const members = part.slice(negated ? 2 : 1, -1)
  let inside = false
  for (let index = 0; index < members.length; index++) {
    if (members[index + 1] === '-' && index + 2 < members.length) {
      inside ||= letter >= members[index]! && letter <= members[index + 2]!
      index += 2
    } else inside ||= members[index] === letter
  }
  return inside !== negated
}
