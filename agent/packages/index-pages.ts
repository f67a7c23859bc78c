import { Parser } from 'htmlparser2'

/** Where a file of a page is to be fetched, or undefined for a link that leads nowhere pip may go. */
export type MapLink = (link: URL) => string | undefined

/** What of an anchor is the index's word about the file (PEP 503, 592, 658, 714). */
const kept = [
  'data-requires-python',
  'data-yanked',
  'data-core-metadata',
  'data-dist-info-metadata',
  'data-gpg-sig',
]

const jsonType = 'application/vnd.pypi.simple.v1+json'

export const isIndexPage = (contentType: string) =>
  /^(text\/html|application\/vnd\.pypi\.simple\.v1\+(html|json))\s*(;|$)/i.test(contentType)

/**
 * A page of a package index with other links: HTML (PEP 503) or JSON (PEP 691). HTML is written anew from the links alone,
 * so that nothing else of it is obeyed. Throws an Error for JSON that is no such page.
 *
 * @param address of the page, which relative links are below.
 */
export function rewritePage(contentType: string, body: string, address: URL, map: MapLink): string {
  return contentType.toLowerCase().startsWith(jsonType)
    ? rewriteJson(body, address, map)
    : rewriteHtml(body, address, map)
}

function rewriteJson(text: string, address: URL, map: MapLink): string {
  const page = JSON.parse(text) as { files?: unknown } | null
  if (!Array.isArray(page?.files)) throw new Error('no page of an index: it lists no files')
  const files = page.files.flatMap((file: { url?: unknown } | null) => {
    const url = typeof file?.url === 'string' ? mapped(file.url, address, map) : undefined
    return url === undefined ? [] : [{ ...file, url }]
  })
  return JSON.stringify({ ...page, files })
}

function rewriteHtml(text: string, address: URL, map: MapLink): string {
  let base: URL | undefined
  const anchors: Record<string, string>[] = []
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name === 'base') base ??= URL.parse(attributes.href ?? '', address.href) ?? undefined
      if (name === 'a' && attributes.href) anchors.push(attributes)
    },
  })
  parser.end(text)
  const lines = anchors.flatMap((anchor) => {
    const url = mapped(anchor.href ?? '', base ?? address, map)
    if (url === undefined) return []
    const words = kept.flatMap((name) =>
      anchor[name] === undefined ? [] : [` ${name}="${quoteHtml(anchor[name])}"`],
    )
    const file = new URL(url).pathname.split('/').at(-1) ?? ''
    return [`<a href="${quoteHtml(url)}"${words.join('')}>${quoteHtml(file)}</a><br>`]
  })
  return `<!DOCTYPE html>\n<html><body>\n${lines.join('\n')}\n</body></html>\n`
}

function mapped(href: string, base: URL, map: MapLink): string | undefined {
  const link = URL.parse(href, base.href)
  if (link === null || !/^https?:$/.test(link.protocol)) return undefined
  return map(link)
}

const quoteHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
