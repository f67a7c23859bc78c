/** Whether the text is what the pattern says; `*` stands for any text. Can't be made to backtrack. */
export function matchesGlob(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return text === pattern
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false
  let at = head.length
  const end = text.length - tail.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** Null stands for no limit. */
export const isAllowed = (patterns: readonly string[] | null, text: string): boolean =>
  patterns === null || patterns.some((pattern) => matchesGlob(pattern, text))
