/** Something that a project asks of its image's Python: `num2words>=0.5`. */
export interface Requirement {
  /** As it was written, without comments and hashes. Safe as a line of a requirements file: never an option or address. */
  readonly text: string
  /** Normalized (PEP 503). */
  readonly name: string
  /** Whether there is nothing but the name: neither versions, extras nor a marker. */
  readonly plain: boolean
  /** Who asks: `requirements.txt:3`, `sale_x/__manifest__.py`. */
  readonly origin: string
  /** `sha256:…`; when any is given, only these files will do. */
  readonly hashes: readonly string[]
  /** What an index may be asked for in its place, where a manifest asks; empty or none: nothing. */
  readonly kept?: string
}

// PEP 508 without addresses. What a version or marker may hold is pip's to judge; here it is only kept to one harmless line.
// One after the other, since a single pattern would try every way to share blanks among its parts.
const written = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?![A-Za-z0-9._-])/
const others = [/^\[[A-Za-z0-9._,\s-]*\]/, /^\(?[<>=!~][<>=!~\w.*+,\s-]*\)?/, /^;[\x20-\x7e]*$/]

// pip takes options out of any line, behind a version or a marker as well, and ends lines where Unicode does: one of
// them has it build sources, whose code then runs beside the password of an index.
const harmless = /^(?!.*[ \t]-)[\t\x20-\x7e]*$/

/** Undefined for what is no requirement by name. */
export function parseRequirement(
  text: string,
  origin: string,
  hashes: readonly string[] = [],
): Requirement | undefined {
  if (text.length > 1000 || !harmless.test(text)) return undefined
  const line = text.trim()
  const name = written.exec(line)?.[0]
  if (name === undefined) return undefined
  let rest = line.slice(name.length).trimStart()
  const plain = rest === ''
  for (const part of others) rest = rest.slice(part.exec(rest)?.[0].length ?? 0).trimStart()
  return rest === '' ? { text: line, name: normalizeName(name), plain, origin, hashes } : undefined
}

/** Whether the package `name` is what is asked for, by its own name or by the one that is kept for it. */
export function asksFor({ name, kept }: Requirement, packageName: string): boolean {
  const wanted = normalizeName(packageName)
  return name === wanted || (kept !== undefined && normalizeName(written.exec(kept)?.[0] ?? '') === wanted)
}

/** PEP 503. */
export function normalizeName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase()
}

/** For people: `requirements.txt:3 num2words>=0.5`. */
export function describeRequirement({ origin, text }: Requirement): string {
  return `${origin} ${text}`
}
