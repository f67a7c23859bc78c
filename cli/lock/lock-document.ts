/** What of a lock people look at. Locks of other versions may say less, or more. */
export interface LockDocument {
  readonly base: string
  readonly commit: string
  readonly repositories: readonly LockedRepository[]
  readonly packages: readonly LockedPackage[]
}

export interface LockedRepository {
  readonly path: string
  readonly url: string
  readonly ref: string
  readonly commit: string
}

export interface LockedPackage {
  readonly kind: 'python' | 'apt'
  readonly name: string
  readonly version: string
}

/** Throws SyntaxError when it is no JSON object. */
export function parseLockDocument(text: string): LockDocument {
  const document: unknown = JSON.parse(text)
  if (!isObject(document)) throw new SyntaxError('a lock is a JSON object')
  const { base } = document
  const repositories = [...objects(document.sources), ...objects(document.submodules)]
  const packages = (kind: LockedPackage['kind']) =>
    objects(document[kind]).map((each) => ({
      kind,
      name: stringOf(each.name),
      version: stringOf(each.version),
    }))
  return {
    base: isObject(base) ? `${stringOf(base.image)}@${stringOf(base.digest)}` : stringOf(base),
    commit: stringOf(document.commit),
    repositories: repositories.flatMap(repositoriesOf),
    packages: [...packages('python'), ...packages('apt')],
  }
}

/** What a merge came out as is in no repository that people could look into: its parts are. */
function repositoriesOf(source: Fields): LockedRepository[] {
  const path = stringOf(source.path)
  const fieldsOf = (each: Fields) => ({
    url: stringOf(each.url),
    ref: stringOf(each.ref),
    commit: stringOf(each.commit),
  })
  const merges = objects(source.merges).map(fieldsOf)
  if (merges.length === 0) return [{ path, ...fieldsOf(source) }]
  return merges.map((each) => ({ path: `${path} (${each.ref || each.commit} of ${each.url})`, ...each }))
}

type Fields = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const objects = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isObject) : [])
const stringOf = (value: unknown): string => (typeof value === 'string' ? value : '')
