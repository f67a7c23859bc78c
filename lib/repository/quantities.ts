const units: Record<string, number> = {
  '': 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
}

export const sizePattern = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i

/** Bytes of `512M`, `1.5G`, `2 GiB` or a plain number of bytes; undefined when it is none of these. */
export function parseSize(text: string): number | undefined {
  const match = sizePattern.exec(text.trim())
  if (!match) return undefined
  const bytes = Math.round(Number(match[1]) * units[match[2]!.toUpperCase()]!)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
