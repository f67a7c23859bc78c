/** Lines no longer than `width`, broken between words; a word that is longer alone is broken where it has to be. */
export function wrapWords(text: string, width: number): string[] {
  if (text.length <= width) return [text]
  const most = Math.max(1, width)
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length <= most) {
      line += ` ${word}`
      continue
    }
    if (line !== '') lines.push(line)
    line = word
    while (line.length > most) {
      lines.push(line.slice(0, most))
      line = line.slice(most)
    }
  }
  return [...lines, line]
}
