export interface Version {
  /** major, minor, patch */
  readonly numbers: readonly [number, number, number]
  /** Of a release candidate; a release comes after all of its own. */
  readonly candidate: number
  /**
   * Built by a distribution (`1.1.5+ds1`, `26.1.5~dfsg1`, `1.7.24-0ubuntu1`), which adds fixes and keeps the number: what it
   * lacks cannot be told from that.
   */
  readonly distribution: boolean
}

/** `1.2.8`, `v1.4.0-rc.3`, `1.0.0-rc95`, `20.10.24+dfsg1`; undefined for what is none. */
export function parseVersion(text: string): Version | undefined {
  const found = /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-~]?rc[.-]?(\d{1,9}))?(.*)$/.exec(text.trim())
  if (!found) return undefined
  const [, major, minor, patch, candidate, rest = ''] = found
  return {
    numbers: [Number(major), Number(minor), Number(patch)],
    candidate: candidate === undefined ? Number.POSITIVE_INFINITY : Number(candidate),
    distribution: /^[+~-].*(ds|dfsg|deb|ubuntu|\.fc|\.el)\d*/.test(rest),
  }
}

/** Negative, 0 or positive as the first is older, as old, or newer. */
export function compareVersions(one: Version, other: Version): number {
  for (const [index, number] of one.numbers.entries()) {
    const difference = number - (other.numbers[index] ?? 0)
    if (difference !== 0) return difference
  }
  // Infinity less infinity is no number.
  return one.candidate === other.candidate ? 0 : one.candidate - other.candidate
}

/**
 * Whether that version has none of the fixes: older than the fix of its own minor series, or, where that got none, than the
 * newest series that did.
 */
export function isBefore(version: Version, fixedIn: readonly string[]): boolean {
  const fixes = fixedIn
    .map(parseVersion)
    .filter((fix) => fix !== undefined)
    .toSorted(compareVersions)
  const own = fixes.find(({ numbers: [major, minor] }) => {
    const [ownMajor, ownMinor] = version.numbers
    return major === ownMajor && minor === ownMinor
  })
  const fix = own ?? fixes.at(-1)
  return fix !== undefined && compareVersions(version, fix) < 0
}
