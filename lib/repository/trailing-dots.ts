/**
 * The same text, as long, with numbers such as `1.` and `1.e5` written `1_` and `1_e5`: the parser's grammar of Python has no
 * digits before a dot alone. What is in strings and comments stays.
 */
export function spellTrailingDots(source: string): string {
  const pieces: string[] = []
  let from = 0
  for (let at = 0; at < source.length; ) {
    const char = source[at]!
    if (char === '#') at = endOf(source, '\n', at)
    else if (char === '"' || char === "'") at = endOfString(source, at)
    else if (char === '.' && isDigit(source[at - 1]) && endsDigits(source, at + 1)) {
      pieces.push(source.slice(from, at), '_')
      from = ++at
    } else at++
  }
  return pieces.join('') + source.slice(from)
}

/** Whether what stands there is no more digits and no name: `]`, an exponent or `j`. */
function endsDigits(source: string, at: number): boolean {
  const next = source.slice(at, at + 3)
  return !/^[\w.]/.test(next) || /^[eE][+-]?\d/.test(next) || /^[jJ](?!\w)/.test(next)
}

function endOfString(source: string, start: number): number {
  const quote = source[start]!
  const mark = source.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote
  for (let at = start + mark.length; at < source.length; at++) {
    if (source[at] === '\\') at++
    else if (source.startsWith(mark, at)) return at + mark.length
  }
  return source.length
}

function endOf(source: string, mark: string, from: number): number {
  const found = source.indexOf(mark, from)
  return found < 0 ? source.length : found
}

const isDigit = (char: string | undefined) => char !== undefined && char >= '0' && char <= '9'
