import { formsOf, type SecretForm } from './secret-forms.ts'

/** Where a text is only a piece of a longer one. */
export interface Cut {
  readonly start?: boolean
  readonly end?: boolean
}

export interface Range {
  readonly from: number
  readonly to: number
}

/**
 * Finds known secrets in text, in every form that secret-forms.ts knows and in long enough parts of these. A part is
 * long enough when it holds as many characters as a form's `fragment`: so what is to be masked is the union of all pieces
 * of just that length that text and forms have in common, and each place of a text is looked up once for each of a fixed
 * few lengths. Time grows with the text alone, and with nothing that a secret may be, one that repeats itself included.
 */
export interface SecretIndex {
  add(secret: string): void
  /** In no order, overlapping. `cut` says where the text goes on: what of a secret stands at that end is found as well. */
  find(text: string, cut: Cut): Range[]
}

/** Encoders break lines: so little of a form at a line's end or beginning is taken for it. */
const shortestWrapped = 6
/** A hint is made of the last characters of what is looked up. */
const hinted = 4

export function createSecretIndex(): SecretIndex {
  const known = new Set<string>()
  const pieces = new Map<number, PieceTable>()
  /** Forms that are shorter than their fragment, and so are found whole. */
  const short = new Map<number, Set<string>>()
  /** By hash of the last four characters, whether a piece or form may end there: nearly all text ends here. */
  const hints = new Uint8Array(65_536)
  const wrapped = createEnds()
  const anywhere = createEnds()

  const hint = (text: string, end: number) => {
    let sum = 0
    for (let at = end - hinted; at < end; at++) sum = hash(sum, text.charCodeAt(at))
    hints[sum] = 1
  }
  const addForm = (form: SecretForm) => {
    const { text, fragment } = form
    if (text.length < fragment) {
      addTo(short, text.length, text)
      hint(text, text.length)
    } else {
      const table = pieces.get(fragment) ?? createPieceTable(fragment)
      pieces.set(fragment, table)
      table.add(text, hint)
    }
    if (form.wrapped) wrapped.add(text, shortestWrapped, fragment - 1)
    anywhere.add(text, 1, fragment - 1)
  }
  return {
    add(secret) {
      if (known.has(secret)) return
      known.add(secret)
      for (const form of new Map(
        formsOf(secret).map((each) => [`${each.fragment} ${each.text}`, each]),
      ).values()) {
        addForm(form)
      }
    },
    find(text, cut) {
      if (known.size === 0) return []
      const ranges: { from: number; to: number }[] = []
      const found = (from: number, to: number) => {
        const before = ranges.at(-1)
        if (before && from >= before.from && from <= before.to) before.to = Math.max(to, before.to)
        else ranges.push({ from, to })
      }
      let sum = 0
      for (let end = 1; end <= text.length; end++) {
        sum = hash(sum, text.charCodeAt(end - 1))
        if (!hints[sum]) continue
        for (const [length, table] of pieces) if (table.has(text, end)) found(end - length, end)
        for (const [length, forms] of short) {
          if (length <= end && forms.has(text.slice(end - length, end))) found(end - length, end)
        }
      }
      const first = text.length - text.trimStart().length
      const last = text.trimEnd().length
      const ends = [
        { from: last - wrapped.beginningAt(text, last), to: last },
        { from: first, to: first + wrapped.endingAt(text, first) },
        { from: text.length - (cut.end ? anywhere.beginningAt(text, text.length) : 0), to: text.length },
        { from: 0, to: cut.start ? anywhere.endingAt(text, 0) : 0 },
      ]
      return [...ranges, ...ends.filter(({ from, to }) => from < to)]
    },
  }
}

const hash = (before: number, code: number) => ((before << 4) ^ code) & 0xffff

function addTo(sets: Map<number, Set<string>>, length: number, text: string): void {
  const found = sets.get(length)
  if (found) found.add(text)
  else sets.set(length, new Set([text]))
}

/** All pieces of one length of the forms, by where one of them stands: a hash table of places, with open addressing. */
interface PieceTable {
  add(form: string, onPiece: (form: string, end: number) => void): void
  has(text: string, end: number): boolean
}

function createPieceTable(length: number): PieceTable {
  const forms: string[] = []
  let size = 1024
  let used = 0
  /** Of each slot the form, counted from 1 (0: free), and where in it the piece ends. */
  let inForm = new Int32Array(size)
  let endsAt = new Int32Array(size)

  const hashOf = (text: string, end: number) => {
    let sum = 0
    for (let at = end - length; at < end; at++) sum = (Math.imul(sum, 0x01000193) ^ text.charCodeAt(at)) >>> 0
    return Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d) >>> 0
  }
  const same = (slot: number, text: string, end: number) => {
    const form = forms[inForm[slot]! - 1]!
    const shift = endsAt[slot]! - end
    for (let at = end - length; at < end; at++) {
      if (form.charCodeAt(at + shift) !== text.charCodeAt(at)) return false
    }
    return true
  }
  /** The slot of the piece, or the free one where it would be. */
  const slotOf = (text: string, end: number) => {
    let slot = hashOf(text, end) & (size - 1)
    while (inForm[slot] !== 0 && !same(slot, text, end)) slot = (slot + 1) & (size - 1)
    return slot
  }
  const grow = () => {
    const [oldForms, oldEnds] = [inForm, endsAt]
    size *= 2
    inForm = new Int32Array(size)
    endsAt = new Int32Array(size)
    for (let old = 0; old < oldForms.length; old++) {
      if (oldForms[old] === 0) continue
      const slot = slotOf(forms[oldForms[old]! - 1]!, oldEnds[old]!)
      inForm[slot] = oldForms[old]!
      endsAt[slot] = oldEnds[old]!
    }
  }
  return {
    add(form, onPiece) {
      forms.push(form)
      for (let end = length; end <= form.length; end++) {
        if (used * 2 >= size) grow()
        const slot = slotOf(form, end)
        if (inForm[slot] !== 0) continue
        inForm[slot] = forms.length
        endsAt[slot] = end
        used++
        onPiece(form, end)
      }
    },
    has: (text, end) => end >= length && inForm[slotOf(text, end)] !== 0,
  }
}

/** Beginnings and ends of forms, none of them a whole form, too short to be found as pieces. */
function createEnds() {
  const beginnings = new Set<string>()
  const endings = new Set<string>()
  let [shortest, longest] = [Number.POSITIVE_INFINITY, 0]
  const longestIn = (from: Set<string>, pick: (length: number) => string) => {
    for (let length = longest; length >= shortest; length--) if (from.has(pick(length))) return length
    return 0
  }
  return {
    add(form: string, least: number, most: number): void {
      shortest = Math.min(shortest, least)
      for (let length = least; length <= Math.min(most, form.length - 1); length++) {
        longest = Math.max(longest, length)
        beginnings.add(form.slice(0, length))
        endings.add(form.slice(-length))
      }
    },
    /** Length of the longest beginning that ends there in the text. */
    beginningAt: (text: string, end: number): number =>
      longestIn(beginnings, (length) => (length <= end ? text.slice(end - length, end) : '')),
    /** Length of the longest ending that begins there in the text. */
    endingAt: (text: string, from: number): number =>
      longestIn(endings, (length) => (from + length <= text.length ? text.slice(from, from + length) : '')),
  }
}
