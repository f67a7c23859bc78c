import { createOverlaps, type Overlaps } from './overlaps.ts'
import { formsOf, type SecretForm } from './secret-forms.ts'

/**
 * Replaces known secrets, in every form that secret-forms.ts knows and in long enough parts of these, in everything
 * that is about to leave this host: log lines, errors, warnings, documents, outputs.
 */
export interface Redactor {
  /** Shorter than four characters is ignored: it would blank ordinary text. Returns how to forget it again. */
  add(secret: string): () => void
  /** `cut` says where the text goes on in another piece: what of a secret stands at that end is masked as well. */
  redact(text: string, cut?: Cut): string
  /** What to mask. Sorted, without overlaps. */
  find(text: string): Range[]
  /** How many of the last characters may be the beginning of a secret. */
  openEnd(text: string): number
  /** Length of the longest form. */
  readonly longest: number
}

/** Where a text is only a piece of a longer one. */
export interface Cut {
  readonly start?: boolean
  readonly end?: boolean
}

export interface Range {
  readonly from: number
  readonly to: number
}

interface Anchor {
  readonly form: SecretForm
  readonly at: number
}

export const mask = '[redacted]'
/** Forms are found by a few characters out of every so many, and compared from there. */
const anchorLength = 6
/** For secrets that repeat themselves: more places would only find the same again. */
const anchorsPerForm = 4

export function createRedactor(): Redactor {
  const secrets = new Map<string, { uses: number; readonly forms: readonly SecretForm[] }>()
  let index = indexForms([])
  const refresh = () => {
    index = indexForms([...secrets.values()].flatMap(({ forms }) => forms))
  }
  const redactor: Redactor = {
    get longest() {
      return index.longest
    },
    add(secret) {
      const known = secrets.get(secret)
      if (known) known.uses++
      else {
        secrets.set(secret, { uses: 1, forms: formsOf(secret) })
        refresh()
      }
      return () => {
        const entry = secrets.get(secret)
        if (!entry || --entry.uses > 0) return
        secrets.delete(secret)
        refresh()
      }
    },
    find: (text) => merge(findForms(text, index)),
    openEnd: (text) => Math.max(0, ...index.forms.map((form) => form.beginsAtEndOf(text))),
    redact(text, cut = {}) {
      if (index.forms.length === 0) return text
      const ranges = findForms(text, index)
      if (cut.start) {
        const to = Math.max(0, ...index.forms.map((form) => form.endsAtStartOf(text)))
        if (to > 0) ranges.push({ from: 0, to })
      }
      if (cut.end) {
        const open = redactor.openEnd(text)
        if (open > 0) ranges.push({ from: text.length - open, to: text.length })
      }
      return replace(text, merge(ranges))
    },
  }
  return redactor
}

export function replace(text: string, ranges: readonly Range[]): string {
  let clean = ''
  let done = 0
  for (const { from, to } of ranges) {
    clean += text.slice(done, from) + mask
    done = to
  }
  return clean + text.slice(done)
}

interface Index {
  readonly forms: readonly Overlaps[]
  readonly anchors: ReadonlyMap<string, readonly Anchor[]>
  /** Too short for an anchor. */
  readonly short: readonly string[]
  /** By hash of an anchor's last four characters, whether there may be one: nearly all text ends here. */
  readonly hints: Uint8Array
  readonly longest: number
}

const hash = (before: number, code: number) => ((before << 4) ^ code) & 0xffff

function indexForms(all: readonly SecretForm[]): Index {
  const forms = [...new Map(all.map((form) => [form.text, form])).values()]
  const anchors = new Map<string, Anchor[]>()
  const hints = new Uint8Array(65_536)
  for (const form of forms) {
    for (const at of anchorsOf(form)) {
      const key = form.text.slice(at, at + anchorLength)
      const found = anchors.get(key) ?? []
      if (found.filter((anchor) => anchor.form === form).length >= anchorsPerForm) continue
      anchors.set(key, [...found, { form, at }])
      let sum = 0
      for (let place = 0; place < key.length; place++) sum = hash(sum, key.charCodeAt(place))
      hints[sum] = 1
    }
  }
  return {
    forms: forms.map(({ text }) => createOverlaps(text)),
    anchors,
    short: forms.map(({ text }) => text).filter(({ length }) => length < anchorLength),
    hints,
    longest: Math.max(0, ...forms.map(({ text }) => text.length)),
  }
}

function anchorsOf({ text: { length }, wrapped }: SecretForm): number[] {
  const places: number[] = []
  for (let at = 0; at + anchorLength <= length; at += anchorLength) places.push(at)
  if (wrapped && length > anchorLength) places.push(length - anchorLength)
  return places
}

function findForms(text: string, { anchors, short, hints }: Index): Range[] {
  const ranges: Range[] = []
  for (const form of short) {
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) {
      ranges.push({ from: at, to: at + form.length })
    }
  }
  const covered = new Map<SecretForm, number>()
  let sum = 0
  for (let last = 0; last < text.length; last++) {
    sum = hash(sum, text.charCodeAt(last))
    const from = last + 1 - anchorLength
    if (from < 0 || !hints[sum]) continue
    for (const anchor of anchors.get(text.slice(from, last + 1)) ?? []) {
      // Inside what is masked already only the form's own beginning can be news.
      if (anchor.at > 0 && (covered.get(anchor.form) ?? 0) > last) continue
      const range = extend(text, from, anchor)
      if (!range) continue
      covered.set(anchor.form, Math.max(range.to, covered.get(anchor.form) ?? 0))
      ranges.push(range)
    }
  }
  return ranges
}

/** As far as text and form agree around an anchor; undefined when that is too little to be a leak. */
function extend(text: string, place: number, { form, at }: Anchor): Range | undefined {
  const offset = place - at
  let from = place
  while (from > 0 && from - 1 >= offset && text[from - 1] === form.text[from - 1 - offset]) from--
  let to = place + anchorLength
  while (to < text.length && to - offset < form.text.length && text[to] === form.text[to - offset]) to++
  const enough = to - from >= Math.min(form.fragment, form.text.length)
  return enough || (form.wrapped && isWrapped(text, { from, to }, form.text, offset))
    ? { from, to }
    : undefined
}

const isWrapped = (text: string, { from, to }: Range, form: string, offset: number) =>
  (from === offset && !text.slice(to).trim()) || (to - offset === form.length && !text.slice(0, from).trim())

function merge(ranges: readonly Range[]): Range[] {
  const merged: { from: number; to: number }[] = []
  for (const range of [...ranges].sort((a, b) => a.from - b.from)) {
    const before = merged.at(-1)
    if (before && range.from <= before.to) before.to = Math.max(before.to, range.to)
    else merged.push({ ...range })
  }
  return merged
}
