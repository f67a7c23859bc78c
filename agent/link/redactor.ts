import type { Cut, Range, SecretIndex } from './secret-index.ts'

/** Replaces known secrets in what is about to leave this host: log lines, errors, warnings, documents, outputs. */
export interface Redactor {
  /** `cut` says where the text goes on in another piece: what of a secret stands at that end is masked as well. */
  redact(text: string, cut?: Cut): string
}

export const mask = '[redacted]'

/** Masks what any of the indexes knows by the time a text is read. */
export function createRedactor(indexes: () => Iterable<SecretIndex>): Redactor {
  return {
    redact(text, cut = {}) {
      const ranges: Range[] = []
      for (const index of indexes()) for (const range of index.find(text, cut)) ranges.push(range)
      return ranges.length === 0 ? text : replace(text, merge(ranges))
    },
  }
}

function replace(text: string, ranges: readonly Range[]): string {
  let clean = ''
  let done = 0
  for (const { from, to } of ranges) {
    clean += text.slice(done, from) + mask
    done = to
  }
  return clean + text.slice(done)
}

function merge(ranges: readonly Range[]): Range[] {
  const merged: { from: number; to: number }[] = []
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const before = merged.at(-1)
    if (before && range.from <= before.to) before.to = Math.max(before.to, range.to)
    else merged.push({ ...range })
  }
  return merged
}
