/** A build as people name it: `acme 12`, `acme/12`, `acme#12`, or `12` where there is one project. */
export interface BuildName {
  readonly project?: string
  readonly number: number
}

/** Undefined when the words don't name a build. */
export function parseBuildName(words: readonly string[]): BuildName | undefined {
  const [first = '', second] = words
  if (words.length === 2) {
    const number = parseNumber(second)
    return number && isProjectName(first) ? { project: first, number } : undefined
  }
  if (words.length !== 1) return undefined
  const alone = parseNumber(first)
  if (alone) return { number: alone }
  const [, project = '', digits] = /^([^/#]+)[/#]#?(\d+)$/.exec(first) ?? []
  const number = parseNumber(digits)
  return number && isProjectName(project) ? { project, number } : undefined
}

/** An environment as people name it: `acme production`, `acme/production`, `acme/release/1.0`, or its name alone. */
export interface EnvironmentName {
  /** What the words mean, likeliest first; which projects there are decides. */
  readonly candidates: readonly { readonly project?: string; readonly environment: string }[]
}

export function parseEnvironmentName(words: readonly string[]): EnvironmentName | undefined {
  const [first = '', second = ''] = words
  if (words.length === 2) {
    return isProjectName(first) && second
      ? { candidates: [{ project: first, environment: second }] }
      : undefined
  }
  if (words.length !== 1 || first === '') return undefined
  const slash = first.search(/[/#]/)
  const [project, rest] = [first.slice(0, slash), first.slice(slash + 1)]
  const whole = { environment: first }
  if (slash > 0 && rest && isProjectName(project))
    return { candidates: [{ project, environment: rest }, whole] }
  return { candidates: [whole] }
}

const isProjectName = (text: string) => /^[a-z][a-z0-9-]*$/.test(text)

/** 1 to 2³¹−1, with or without `#`. */
function parseNumber(text: string | undefined): number | undefined {
  const digits = /^#?([1-9]\d{0,9})$/.exec(text ?? '')?.[1]
  const number = Number(digits)
  return digits && number < 2 ** 31 ? number : undefined
}

/**
 * The first digits of a run's id, or all of it. A number of up to seven digits is a build's; and where names stand as well,
 * `least` keeps short words names.
 */
export const isRunName = (text: string, least = 4): boolean =>
  isRunId(text) ||
  (text.length >= least &&
    !/^[1-9]\d{0,6}$/.test(text) &&
    /^[0-9a-f]{4,8}$|^[0-9a-f]{8}-[0-9a-f-]{0,26}$/i.test(text))

export const isRunId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
