import type { LockDocument } from './lock-document.ts'

/** Scripts depend on the keys. Null before: it is new; null after: it is gone. */
export interface LockChange {
  readonly what: 'base' | 'repository' | 'python' | 'apt'
  readonly name: string
  readonly before: string | null
  readonly after: string | null
}

/** What is pinned otherwise: repositories by commit, packages by version, the base image. */
export function changesOf(before: LockDocument, after: LockDocument): LockChange[] {
  const [old, now] = [pinsOf(before), pinsOf(after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => old.get(key) !== now.get(key))
    .map((key) => {
      const [what, name] = JSON.parse(key) as [LockChange['what'], string]
      return { what, name, before: old.get(key) ?? null, after: now.get(key) ?? null }
    })
}

function pinsOf({ base, repositories, packages }: LockDocument): Map<string, string> {
  const key = (what: LockChange['what'], name: string) => JSON.stringify([what, name])
  return new Map([
    [key('base', 'image'), base],
    ...repositories.map(({ path, commit }) => [key('repository', path), commit] as const),
    ...packages.map(({ kind, name, version }) => [key(kind, name), version] as const),
  ])
}

/** `repository oca/web  1234567890 → 0987654321` */
export function changeLine({ what, name, before, after }: LockChange): string {
  const short = (text: string | null, missing: string) =>
    text === null ? missing : what === 'repository' ? text.slice(0, 10) : text
  return `${what} ${name}  ${short(before, 'new')} → ${short(after, 'gone')}`
}
