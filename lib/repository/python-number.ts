export interface PythonNumber {
  readonly kind: 'integer' | 'float' | 'complex'
  readonly value: number
}

const integer = /^(?:[1-9](?:_?\d)*|0(?:_?0)*|0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)$/
const float =
  /^(?:\d(?:_?\d)*\.?[eE][+-]?\d(?:_?\d)*|(?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?|\d(?:_?\d)*\.)$/
/** Zeros may go before what is multiplied by j. */
const digits = /^\d(?:_?\d)*$/

/** `sys.int_info.default_max_str_digits`: Python makes no number of more decimal digits. */
const maxDecimalDigits = 4300
const isTooLong = (text: string) =>
  /^\d[\d_]*$/.test(text) && text.replaceAll('_', '').length > maxDecimalDigits

/** A number by Python's grammar ("Numeric literals" of its reference); undefined: it is none. */
export function parsePythonNumber(text: string): PythonNumber | undefined {
  const value = (written: string) => Number(written.replaceAll('_', ''))
  if (/[jJ]$/.test(text)) {
    const real = text.slice(0, -1)
    return digits.test(real) || float.test(real) ? { kind: 'complex', value: value(real) } : undefined
  }
  if (integer.test(text)) return isTooLong(text) ? undefined : { kind: 'integer', value: value(text) }
  return float.test(text) ? { kind: 'float', value: value(text) } : undefined
}
