/** A copy of a protobuf message or of plain JSON with every text in it changed; bytes are documents, and stay. */
export function mapTexts<T>(value: T, change: (text: string) => string): T {
  const copy = (item: unknown): unknown => {
    if (typeof item === 'string') return change(item)
    if (Array.isArray(item)) return item.map(copy)
    if (typeof item !== 'object' || item === null || item instanceof Uint8Array) return item
    const copied = Object.create(Object.getPrototypeOf(item)) as Record<string, unknown>
    for (const [key, inner] of Object.entries(item)) copied[key] = copy(inner)
    return copied
  }
  return copy(value) as T
}
