/** One file of a bundle. */
export interface Member {
  /** Letters, digits, `.`, `_`, `-` and `/`. */
  readonly path: string
  /** Called once; a large member is in memory only while it is packed. */
  read(): Promise<Uint8Array>
}

export const textMember = (path: string, text: string): Member => ({
  path,
  read: async () => Buffer.from(text),
})

export const jsonMember = (path: string, value: unknown): Member =>
  textMember(path, `${JSON.stringify(value, undefined, 2)}\n`)

/** What of a name may be part of a member's path. */
export const safeName = (name: string): string => name.replace(/[^A-Za-z0-9._-]/g, '_').replace(/^\.+/, '_')

/** 1 → `01`: so that members are listed in the order things happened. */
export const ordinal = (index: number): string => String(index + 1).padStart(2, '0')
