import { type Redactor, replace } from './redactor.ts'

/**
 * Redacts text that comes in pieces of any size: what may be the beginning of a secret is held back until it is clear
 * that it is none, at most twice the longest form. Nobody waits for what cannot be a secret.
 */
export interface StreamRedactor {
  /** Gives what may go out now. */
  push(text: string): string
  /** Nothing more comes: gives the rest. */
  end(): string
}

export function createStreamRedactor(redactor: Redactor): StreamRedactor {
  let held = ''
  return {
    push(text) {
      const all = held + text
      const ranges = redactor.find(all)
      let keepFrom = all.length - redactor.openEnd(all)
      // A secret that reaches into what is held back stays with it, so that it is masked as a whole.
      for (const { from, to } of ranges.toReversed()) {
        if (from < keepFrom && to > keepFrom) keepFrom = from
      }
      if (all.length - keepFrom > 2 * redactor.longest) keepFrom = all.length
      held = all.slice(keepFrom)
      return replace(
        all.slice(0, keepFrom),
        ranges.filter(({ to }) => to <= keepFrom),
      )
    },
    end() {
      const rest = redactor.redact(held)
      held = ''
      return rest
    },
  }
}
