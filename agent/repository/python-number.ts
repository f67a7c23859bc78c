export interface PythonNumber {
  readonly kind: 'integer' | 'float' | 'complex'
  readonly value: number
}

const integer = /^(?:[1-9](?:_?\d)*|0(?:_?0)*|0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)$/
const float =
  /^(?:\d(?:_?\d)*\.?[eE][+-]?\d(?:_?\d)*|(?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?|\d(?:_?\d)*\.)$/
/** Zeros may go before what is multiplied by j. */
const digits = /^\d(?:_?\d)*$/

/** A number by Python's grammar ("Numeric literals" of its reference); undefined: it is none. */
export function parsePythonNumber(text: string): PythonNumber | undefined {
  const value = (written: string) => Number(written.replaceAll('_', ''))
  if (/[jJ]$/.test(text)) {
    const real = text.slice(0, -1)
    return digits.test(real) || float.test(real) ? { kind: 'complex', value: value(real) } : undefined
  }
  if (integer.test(text)) return { kind: 'integer', value: value(text) }
  return float.test(text) ? { kind: 'float', value: value(text) } : undefined
}
