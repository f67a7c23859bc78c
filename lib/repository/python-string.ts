/** `offset` is the index in the source text at which reading stopped. */
export class PythonLiteralError extends Error {
  override name = 'PythonLiteralError'
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** More than is read here; Python itself has no such limit. */
export class PythonLimitError extends PythonLiteralError {}

const simpleEscapes: Record<string, string> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
}

/** `\N{BULLET}` stays as it is written: the names of characters are not here, and no field is made of them. */
const escapes =
  /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(N\{[A-Za-z0-9][A-Za-z0-9 -]*\})|([xuUN])|([\s\S]))/g

/** Of a string literal with its prefix. */
export const isBytesLiteral = (literal: string): boolean => /^[a-z]*b/i.test(literal)

/** The value of a Python string literal, prefix and quotes included. `offset` is its place in the file, for errors. */
export function decodePythonString(literal: string, offset: number): string {
  const match = /^([a-zA-Z]*)('''|"""|'|")([\s\S]*)$/.exec(literal)
  const [, prefix = '', quote = '', rest = ''] = match ?? []
  if (!match || rest.length < quote.length || !rest.endsWith(quote))
    throw new PythonLiteralError('a string that does not end', offset)
  if (!/^(?:r|u|b|br|rb)?$/i.test(prefix))
    throw new PythonLiteralError(`\`${prefix}\` is no prefix of a string`, offset)
  const isBytes = isBytesLiteral(literal)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that bytes may be written with
  if (isBytes && /[^\x00-\x7f]/.test(rest))
    throw new PythonLiteralError('bytes hold only ASCII characters', offset)
  const body = rest.slice(0, -quote.length).replaceAll('\r\n', '\n')
  if (quote.length === 1 && /(?<!\\)\n/.test(body))
    throw new PythonLiteralError('a string that does not end on its line', offset)
  if (/r/i.test(prefix)) return body
  return body.replace(escapes, (whole, octal, hex, short, long, name, broken, other) => {
    if (isBytes && !octal && !hex && whole !== '\\x') return simpleEscapes[other] ?? whole
    if (octal) return String.fromCodePoint(Number.parseInt(octal, 8))
    const code = hex ?? short ?? long
    if (code) return fromCodePoint(Number.parseInt(code, 16), whole, offset)
    if (name) return whole
    if (broken) throw new PythonLiteralError(`the escape \`${whole}\` is not complete`, offset)
    return simpleEscapes[other] ?? whole
  })
}

function fromCodePoint(code: number, escapeText: string, offset: number): string {
  if (code > 0x10ffff) throw new PythonLiteralError(`\`${escapeText}\` is not a character`, offset)
  return String.fromCodePoint(code)
}
