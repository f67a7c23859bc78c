import { domainToUnicode } from 'node:url'

/**
 * What finds a host name in a text, as people, browsers and programs write it: a regular expression of PostgreSQL, to be
 * used without regard to case. `host` is as findHost gives it. A name with letters beyond ASCII is written in either form,
 * and its labels need not agree: `xn--mnchen-3ya.example`, `München.example`.
 */
export function hostPattern(host: string): string {
  const shown = domainToUnicode(host)
  if (shown === '' || shown === host) return escaped(host)
  const labels = shown.split('.')
  return host
    .split('.')
    .map((label, index) => {
      const letters = labels[index] ?? label
      return letters === label ? label : `(?:${label}|${[...letters].map(letterPattern).join('')})`
    })
    .join(fullStop)
}

/** All that stand for a dot: https://www.unicode.org/reports/tr46/#Notation */
const fullStop = '[.。．｡]'

/**
 * Both cases, since a database whose locale is C folds those of ASCII alone; as one character or composed of several; as it
 * is, as an address has it (`%C3%BC`), and as Python's `json.dumps` does (`\u00fc`).
 */
function letterPattern(letter: string): string {
  if (isAscii(letter)) return letter
  const cases = [letter, letter.toUpperCase()]
  const texts = [...cases, ...cases.map((one) => one.normalize('NFD'))]
  const forms = texts.flatMap((text) => [text, encodeURIComponent(text), asInJson(text)])
  return `(?:${[...new Set(forms)].map(escaped).join('|')})`
}

const asInJson = (text: string): string =>
  text
    .split('')
    .map((unit) => (isAscii(unit) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`))
    .join('')

const isAscii = (text: string): boolean => text.charCodeAt(0) < 128

const escaped = (text: string): string => text.replaceAll(/[\\.*+?^$(){}|[\]]/g, '\\$&')
