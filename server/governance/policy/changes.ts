import type { PolicyDocument } from './document.ts'

/** What is different, a line for each key: `approvals.shell.quorum: 1 → 2`. */
export function changesOf(before: PolicyDocument, after: PolicyDocument): string[] {
  const old = flatten(before)
  const now = flatten(after)
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .filter((key) => old.get(key) !== now.get(key))
    .map((key) => `${key}: ${old.get(key) ?? '(not there)'} → ${now.get(key) ?? '(not there)'}`)
}

/** Lists are values, so that a change of one shows what it was and what it is. */
function flatten(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) flatten(inner, path ? `${path}.${key}` : key, into)
  } else {
    into.set(path, JSON.stringify(value))
  }
  return into
}
