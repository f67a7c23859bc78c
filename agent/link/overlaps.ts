/** How far a text and a form of a secret overlap, in time that grows with the form's length and no faster. */
export interface Overlaps {
  /** Length of the longest beginning of the form, not the whole of it, that the text ends with. */
  beginsAtEndOf(text: string): number
  /** Length of the longest end of the form, not the whole of it, that the text begins with. */
  endsAtStartOf(text: string): number
}

export function createOverlaps(form: string): Overlaps {
  const most = form.length - 1
  let forward: Follow | undefined
  let backward: Follow | undefined
  return {
    beginsAtEndOf(text) {
      forward ??= createFollow(form.length, (at) => form.charCodeAt(at))
      const from = Math.max(0, text.length - most)
      return forward(text.length - from, (at) => text.charCodeAt(from + at))
    },
    endsAtStartOf(text) {
      backward ??= createFollow(form.length, (at) => form.charCodeAt(most - at))
      const length = Math.min(most, text.length)
      return backward(length, (at) => text.charCodeAt(length - 1 - at))
    },
  }
}

type Codes = (at: number) => number
/** How much of the form's beginning the text has at its end. */
type Follow = (length: number, text: Codes) => number

/** Knuth, Morris and Pratt's: what does not go on falls back to the next shorter beginning, and nothing is read twice. */
function createFollow(formLength: number, form: Codes): Follow {
  const shorter = new Int32Array(formLength)
  const next = (matched: number, code: number) => {
    let at = matched
    while (at > 0 && form(at) !== code) at = shorter[at - 1]!
    return form(at) === code ? at + 1 : 0
  }
  for (let at = 1; at < formLength; at++) shorter[at] = next(shorter[at - 1]!, form(at))
  return (length, text) => {
    let matched = 0
    for (let at = 0; at < length; at++) matched = next(matched, text(at))
    return matched
  }
}
