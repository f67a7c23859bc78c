/** Replaces known secrets in everything that is about to leave a task: log lines, errors, warnings. */
export interface Redactor {
  /** Shorter than four characters is ignored: it would blank ordinary text. Returns how to forget it again. */
  add(secret: string): () => void
  redact(text: string): string
}

const mask = '[redacted]'
const shortest = 4

export function createRedactor(): Redactor {
  const secrets = new Map<string, number>()
  let longestFirst: string[] = []
  const refresh = () => {
    longestFirst = [...secrets.keys()].sort((a, b) => b.length - a.length)
  }
  return {
    add(secret) {
      if (secret.length < shortest) return () => {}
      secrets.set(secret, (secrets.get(secret) ?? 0) + 1)
      refresh()
      return () => {
        const left = (secrets.get(secret) ?? 1) - 1
        if (left > 0) secrets.set(secret, left)
        else secrets.delete(secret)
        refresh()
      }
    },
    redact(text) {
      let clean = text
      for (const secret of longestFirst) {
        if (clean.includes(secret)) clean = clean.replaceAll(secret, mask)
      }
      return clean
    },
  }
}
