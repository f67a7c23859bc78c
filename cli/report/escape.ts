const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** HTML that has been made by `html`, and so is not escaped again. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | Html | readonly Html[]

/** A template whose values are escaped, unless they are such templates themselves. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.reduce((text, part, index) => text + textOf(values[index - 1]) + part))
}

function textOf(value: Value | undefined): string {
  if (value === undefined) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('')
  return escapeText(String(value))
}

/** For text and for attributes in quotes. What would turn the direction of what follows it becomes visible. */
const escapeText = (text: string): string =>
  text
    .replaceAll(/[\p{Bidi_Control}[\p{Cc}--[\t\n\r]]]/gv, '\u{FFFD}')
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
