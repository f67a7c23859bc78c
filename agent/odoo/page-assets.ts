/**
 * Style sheets and scripts that a page loads from its own server. One pass: where a tag has no address up to its end, none
 * that begins inside of it has one either, and no quotation is read twice.
 */
export function findAssets(html: string): string[] {
  const paths = new Set<string>()
  const tags = /<(?:link|script)\b/gi
  for (let tag = tags.exec(html); tag; tag = tags.exec(html)) {
    const end = html.indexOf('>', tag.index)
    const until = end < 0 ? html.length : end
    const address = findAddress(html, tag.index, until)
    tags.lastIndex = address?.end ?? until
    if (address) paths.add(address.value.replaceAll('&amp;', '&'))
  }
  return [...paths].filter((path) => /^\/[^/].*\.(css|js)(\?|$)/.test(path))
}

/** The first that is quoted of those that begin inside the tag. Its text may hold a `>`. */
function findAddress(html: string, from: number, until: number): { value: string; end: number } | undefined {
  for (const opened of html.slice(from, until).matchAll(/\b(?:href|src)\s*=\s*["']/gi)) {
    const begin = from + opened.index + opened[0].length
    const quote = /["']/g
    quote.lastIndex = begin
    const closed = quote.exec(html)?.index
    if (closed !== undefined && closed > begin) return { value: html.slice(begin, closed), end: closed + 1 }
  }
  return undefined
}
