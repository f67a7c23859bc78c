import type { Option } from 'commander'

/** What the server has names of. */
export const namedKinds = ['projects', 'branches', 'environments', 'hosts'] as const
export type NamedKind = (typeof namedKinds)[number]

/** What may stand in a place: fixed words, names that the server is asked for, files; or nothing that one could know. */
export type Candidates =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'names'; readonly of: NamedKind }
  | { readonly kind: 'files' }
  | { readonly kind: 'unknown' }

const words = (...all: string[]): Candidates => ({ kind: 'words', words: all })
const names = (of: NamedKind): Candidates => ({ kind: 'names', of })
const files: Candidates = { kind: 'files' }
const unknown: Candidates = { kind: 'unknown' }

/** By what the usage calls it, for all commands alike. */
const byName: Record<string, Candidates> = {
  project: names('projects'),
  branch: names('branches'),
  environment: names('environments'),
  'run-or-environment': names('environments'),
  host: names('hosts'),
  bundle: files,
  file: files,
  path: files,
  'note-file': files,
  'verifier-key': files,
  stage: words('production', 'staging', 'development'),
}

const byCommand: Record<string, Record<string, Candidates>> = {
  'credential set': { kind: words('git', 'registry', 'python'), host: unknown },
  completion: { shell: words('bash', 'zsh', 'fish') },
  'credential delete': { kind: words('git', 'registry', 'python'), host: unknown },
}

export function candidatesOfArgument(command: string, name: string): Candidates {
  // `<show|rotate|deliveries>` lists them itself.
  if (name.includes('|')) return words(...name.split('|'))
  return byCommand[command]?.[name] ?? byName[name] ?? unknown
}

/** `<name>` or `[name]` of an option's flags; undefined where it takes no value. */
export function placeholderOf(flags: string): string | undefined {
  const start = flags.search(/[<[]/)
  return start < 0 ? undefined : flags.slice(start)
}

export function candidatesOfOption({ flags, argChoices }: Option): Candidates {
  if (argChoices) return words(...argChoices)
  const name = placeholderOf(flags)?.slice(1).split(/[>\]]/)[0] ?? ''
  // An option's environment is one of a project that is named elsewhere: by its own name.
  return name === 'environment' ? unknown : (byName[name] ?? unknown)
}
