import { commonWords } from './common-words.ts'

/**
 * Where a secret's value is masked: the one rule for the server, which says so when a value is set, and for agents, which
 * go by it. docs/secrets.md is its documentation.
 *
 * Masking answers a question: whoever may print guesses sees which of them were masked. So a value is masked where it is
 * known, and further only when nobody can guess it.
 *
 * - `nowhere`: shorter than `shortestMasked`, or a word of settings, a number, a host name: text is full of them.
 * - `environment`: could be guessed. Masked in the environments that were given it.
 * - `project`: `unguessableLength` characters or more, of which `unguessableVariety` differ. Masked in all of the project.
 */
export type MaskingReach = 'nowhere' | 'environment' | 'project'

export interface Masking {
  readonly reach: MaskingReach
  /** For `nowhere`, why, as the end of a sentence: `it is a number`. */
  readonly because: string
}

/** In UTF-16 units, as all lengths here. */
export const shortestMasked = 4
const unguessableLength = 16
const unguessableVariety = 8

export function judgeValue(value: string): Masking {
  const because = whyNowhere(value.trim())
  if (because) return { reach: 'nowhere', because }
  const unguessable = value.length >= unguessableLength && new Set(value).size >= unguessableVariety
  return { reach: unguessable ? 'project' : 'environment', because: '' }
}

function whyNowhere(value: string): string {
  if (value.length < shortestMasked) return `it has fewer than ${shortestMasked} characters`
  if (commonWords.has(value.toLowerCase())) return 'it is a common word'
  if (isNumber(value)) return 'it is a number'
  if (/^[a-z]{2}_[A-Z]{2}(\.UTF-8)?$/.test(value)) return 'it names a language'
  if (isHost(value)) return 'it is a host name or address'
  return ''
}

/** Ports, years, amounts, process ids: more digits than these are seldom met by chance, and six are a PIN. */
const isNumber = (value: string) => /^[+-]?\d{1,5}([.,]\d{1,3})?$/.test(value)

/** Last labels, beside those of countries, that a name of a host ends with and words of a password hardly do. */
const lastLabels =
  /^(?:[a-z]{2}|com|org|net|edu|gov|info|biz|dev|app|cloud|local|localdomain|internal|lan|intranet|test|example|invalid|localhost)$/

/**
 * A name or an IP address, with or without a scheme before it and a port after it, but no user, password or path. Words with
 * dots between them are a password as well (`summer.holiday`): without a scheme or a port, a name ends as hosts do.
 */
function isHost(value: string): boolean {
  const scheme = /^[a-z][a-z0-9+.-]{0,20}:\/\//.exec(value)?.[0] ?? ''
  const rest = value
    .slice(scheme.length)
    .replace(/\/$/, '')
    .replace(/:\d{1,5}$/, '')
  const hasPort = /:\d{1,5}\/?$/.test(value)
  if (rest.length > 253) return false
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(rest) || /^\[[0-9a-f:.]{2,45}\]$/i.test(rest)) return true
  if (commonWords.has(rest)) return true
  const labels = rest.split('.')
  // One label alone is no more than a word, unless an address is made of it: redis://cache:6379.
  if (labels.length < 2 && scheme === '') return false
  // Keys are made of dots and letters as well: of long parts, in capitals too, and none ends as a domain does.
  const last = labels.at(-1) ?? ''
  return (
    labels.every((label) => /^[a-z0-9-]{1,30}$/.test(label)) &&
    (scheme !== '' || hasPort ? /^[a-z][a-z-]{1,17}$/ : lastLabels).test(last)
  )
}
