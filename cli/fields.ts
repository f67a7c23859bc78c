import type { Paint } from './style.ts'

export type Field = readonly [name: string, value: string | null | undefined]

/** Names and values below each other; those without a value are left out. */
export function renderFields(paint: Paint, fields: readonly Field[]): string[] {
  const shown = fields.filter(([, value]) => value)
  const wide = Math.max(...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${paint('dim', name.padEnd(wide))}  ${value}`)
}
