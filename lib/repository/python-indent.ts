/**
 * Whether what begins at `offset` is indented, as CPython's tokenizer counts it: `ast.literal_eval` takes blanks and tabs off
 * the beginning of a text, and of no other line.
 */
export function isIndented(text: string, offset: number): boolean {
  const start = lineStart(text, offset)
  const before = text.slice(start, offset)
  let column = 0
  let continued = 0
  for (const char of start === 0 ? before.replace(/^[ \t]+/, '') : before) {
    if (char === ' ' || char === '\t') column++
    else if (char === '\f') column = 0
    // Behind it the line goes on; the first indentation is the one that counts.
    else if (char === '\\') continued ||= column
  }
  return (continued || column) > 0
}

/** Whether blanks alone begin a last line that nothing ends: Python takes them for an indentation. */
export function endsIndented(text: string): boolean {
  const last = text.slice(lineStart(text, text.length))
  return /^[ \t\f\\\n]+$/.test(last) && isIndented(text, text.length)
}

/** Of the line as Python has it: one that ends with a backslash goes on. */
function lineStart(text: string, offset: number): number {
  let start = text.lastIndexOf('\n', offset - 1) + 1
  while (start > 1 && text[start - 2] === '\\') start = text.lastIndexOf('\n', start - 2) + 1
  return start
}
