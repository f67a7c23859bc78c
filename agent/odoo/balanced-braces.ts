/** Whether the braces of a style sheet match, those in comments and strings aside. */
export function hasBalancedBraces(text: string): boolean {
  let open = 0
  for (let at = 0; at < text.length; at++) {
    const two = text.slice(at, at + 2)
    if (two === '/*' || (two === '//' && text[at - 1] !== ':')) {
      const end = text.indexOf(two === '/*' ? '*/' : '\n', at + 2)
      if (end < 0) return two === '//' && open === 0
      at = end
    } else if (text[at] === '"' || text[at] === "'") at = endOfString(text, at)
    else if (text[at] === '{') open++
    else if (text[at] === '}' && --open < 0) return false
  }
  return open === 0
}

/** Where it ends, or its line where it does not. */
export function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== text[from] && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1
  return at
}
