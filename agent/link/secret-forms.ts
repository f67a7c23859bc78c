import { judgeValue } from '../../lib/masking/judge-value.ts'

/** One way in which a secret can turn up in text. */
export interface SecretForm {
  readonly text: string
  /** From so many characters on, a part of it is a leak as well: messages are cut short. */
  readonly fragment: number
  /** Encoders break their output into lines: its beginning at a line's end, its end at a line's beginning. */
  readonly wrapped: boolean
}

/** Shorter forms are not looked for: they would blank ordinary text. */
const shortestForm = 4
/** Lines of a value that count as secrets of their own: output is read line by line. */
const shortestLine = 8
/** Long enough to be no coincidence, also where a secret is an address that begins as many do. */
const fragmentOfText = 16
const fragmentOfEncoding = 12

/**
 * The forms in which programs print what they were given: as it is, line by line, in base64 (at each of the three
 * alignments that a place in a longer text gives it, both alphabets), percent-encoded, in JSON and Python literals, in
 * HTML, in hexadecimal.
 */
export function formsOf(secret: string): SecretForm[] {
  const bytes = Buffer.from(secret)
  const texts = [secret, ...quoted(secret), ...percentEncoded(bytes), escapeHtml(secret)]
  const lines = secret
    .split(/\r\n|\r|\n/)
    .flatMap((line) => [line, line.trim()])
    .filter((line) => line.length >= shortestLine && judgeValue(line).reach !== 'nowhere')
  const encodings = [...base64(bytes), bytes.toString('hex'), bytes.toString('hex').toUpperCase()]
  const forms = [
    ...[...texts, ...lines].map((text) => ({ text, fragment: fragmentOfText, wrapped: false })),
    ...encodings.map((text) => ({ text, fragment: fragmentOfEncoding, wrapped: true })),
  ]
  return forms.filter(({ text }) => text.length >= shortestForm)
}

/** As inside a string of JSON, of JSON in JSON, and of Python's repr of text and of bytes. */
function quoted(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  const ascii = json.replace(/[^ -~]/g, unicodeEscape)
  const upper = json.replace(/[^ -~]/g, (unit) => unicodeEscape(unit).toUpperCase().replace('\\U', '\\u'))
  const slashed = json.replaceAll('/', '\\/')
  const twice = [json, ascii].map((text) => JSON.stringify(text).slice(1, -1))
  // Python quotes with ' unless there is one and no ".
  const escaped = secret.replaceAll('\\', '\\\\').replace(/[\n\r\t]/g, (char) => whitespace[char] ?? char)
  const text = escaped.replace(/\p{Cc}/gu, hexEscape)
  const bytes = Buffer.from(escaped)
    .toString('latin1')
    .replace(/[^ -~]/g, hexEscape)
  const python = [text, bytes].flatMap((form) => [form, form.replaceAll("'", "\\'")])
  return [json, ascii, upper, slashed, ...twice, ...python]
}

const whitespace: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
const hexOf = (char: string, digits: number) => char.charCodeAt(0).toString(16).padStart(digits, '0')
const unicodeEscape = (unit: string) => `\\u${hexOf(unit, 4)}`
const hexEscape = (char: string) => `\\x${hexOf(char, 2)}`

/** By what the usual encoders leave as it is: RFC 3986, JavaScript's, Python's with and without the slash, forms. */
function percentEncoded(bytes: Buffer): string[] {
  const kept = [/[\w.~-]/, /[\w.~!'()*-]/, /[\w.~/-]/, /[\w.~!'()*;,/?:@&=+$#-]/, /[\w.-]/, /[\w.*-]/]
  return kept.flatMap((keep) => {
    const encode = (upper: boolean) =>
      bytes.toString('latin1').replace(/[\s\S]/g, (char) => {
        if (keep.test(char)) return char
        const hex = hexOf(char, 2)
        return `%${upper ? hex.toUpperCase() : hex}`
      })
    const forms = [encode(true), encode(false)]
    return [...forms, ...forms.map((form) => form.replaceAll('%20', '+'))]
  })
}

const escapeHtml = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&#34;')
    .replaceAll("'", '&#39;')

/**
 * The characters that depend on the secret alone, whatever stands before and after it: three bytes make four of them,
 * so the first bytes may share theirs with a neighbour, and so may the last.
 */
function base64(bytes: Buffer): string[] {
  const standard = [0, 1, 2].map((skip) => {
    const rest = bytes.subarray(skip)
    const encoded = rest.toString('base64')
    const own = Math.floor((rest.length * 8) / 6)
    return encoded.slice(0, own)
  })
  return standard.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')])
}
