/** What a delivery may be about: repositories by name and by id, as any forge writes them. */
export interface Mentions {
  readonly slugs: readonly string[]
  readonly ids: readonly string[]
}

const maxSlugs = 20
const maxIds = 50

/**
 * Repositories that a body mentions, found without parsing it: whose secret it has to be signed with is needed first, and
 * bytes that nobody has vouched for are not worth more than one pass. In texts (a commit's message) quotes are escaped, so
 * nothing in them looks like a key.
 */
export function findMentions(body: Buffer): Mentions {
  const text = body.toString('latin1')
  const slugs = firstOf(text, /"(?:full_name|path_with_namespace)"\s*:\s*"([\w./\\-]{1,400})"/g, maxSlugs)
  const ids = firstOf(text, /"(?:id|project_id)"\s*:\s*([1-9]\d{0,15})\b/g, maxIds)
  const uuids = firstOf(text, /"uuid"\s*:\s*"(\{[0-9a-f-]{36}\})"/g, maxIds)
  return { slugs: slugs.map((slug) => slug.replaceAll('\\/', '/').toLowerCase()), ids: [...ids, ...uuids] }
}

function firstOf(text: string, pattern: RegExp, most: number): string[] {
  const found = new Set<string>()
  for (const [, value] of text.matchAll(pattern)) {
    if (value !== undefined) found.add(value)
    if (found.size === most) break
  }
  return [...found]
}
