/**
 * Whether a name fits a pattern with `*`, `?` and `[…]`, as a shell's. In time that grows with the product of their
 * lengths and no further, whatever the pattern.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const parts = pattern.match(/\[!?\]?[^\]]*\]|[\s\S]/g) ?? []
  let reached = new Set([0])
  for (const part of parts) {
    const next = new Set<number>()
    for (const at of reached) {
      if (part === '*') for (let end = at; end <= name.length; end++) next.add(end)
      else if (at < name.length && fits(part, name[at]!)) next.add(at + 1)
    }
    reached = next
  }
  return reached.has(name.length)
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
