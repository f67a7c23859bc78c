/** Most UTF-16 units in one log entry: at most 64 KiB once encoded. */
const unitsPerEntry = 21_000

/** Cuts a very long line into entries, never inside a surrogate pair. */
export function splitLine(text: string): string[] {
  if (text.length <= unitsPerEntry) return [text]
  const parts: string[] = []
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + unitsPerEntry, text.length)
    const last = text.charCodeAt(end - 1)
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end--
    parts.push(text.slice(start, end))
    start = end
  }
  return parts
}
