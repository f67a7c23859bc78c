/** A text that may be searched. */
export interface Candidate {
  /** As the repository calls it. */
  readonly path: string
  readonly sizeBytes: number
}

export interface ChoiceLimits {
  readonly fileBytes: number
  readonly files: number
  readonly totalBytes: number
}

export interface Choice<C> {
  readonly chosen: readonly C[]
  /** For people: what was left out, and why. */
  readonly leftOut: readonly string[]
}

/** Of the files of one commit. */
export const treeLimits: ChoiceLimits = { fileBytes: 1024 ** 2, files: 20_000, totalBytes: 256 * 1024 ** 2 }

/** What of the candidates fits the limits, in their order. */
export function choose<C extends Candidate>(candidates: readonly C[], limits: ChoiceLimits): Choice<C> {
  const large = candidates.filter(({ sizeBytes }) => sizeBytes > limits.fileBytes)
  const fitting = candidates.filter(({ sizeBytes }) => sizeBytes > 0 && sizeBytes <= limits.fileBytes)
  const chosen: C[] = []
  let bytes = 0
  for (const candidate of fitting) {
    bytes += candidate.sizeBytes
    if (chosen.length === limits.files || bytes > limits.totalBytes) break
    chosen.push(candidate)
  }
  const rest = fitting.slice(chosen.length)
  const most = `${limits.files} files and ${limits.totalBytes / 1024 ** 2} MiB are the most`
  return {
    chosen,
    leftOut: [
      ...(large.length > 0 ? [`${named(large)} for being larger than ${limits.fileBytes / 1024} KiB`] : []),
      ...(rest.length > 0 ? [`${named(rest)}: ${most}`] : []),
    ],
  }
}

const shown = 5

/** `3 files (a.csv, b.csv, c.csv)` */
export function named(files: readonly { readonly path: string }[]): string {
  const paths = files.slice(0, shown).map(({ path }) => path.slice(0, 200))
  const more = files.length > shown ? ', …' : ''
  return `${files.length} ${files.length === 1 ? 'file' : 'files'} (${paths.join(', ')}${more})`
}
