import { nameOf } from '../../lib/repository/sources/declaration.ts'
import { listShort } from '../../lib/words/list-short.ts'
import type { FoundModule, IndexedRepository, ModuleSearch } from './find-modules.ts'

/** How a project names the repositories that it wants. */
export interface DeclaringFile {
  readonly kind: 'oca-dependencies' | 'repos' | 'addons'
  /** For people: `oca_dependencies.txt`. */
  readonly file: string
  /** Address of what is named without one, `{}` for the name, and the branch. */
  readonly pattern: string
  readonly series: string
  /** Addresses that it names already. */
  readonly declared: readonly string[]
}

const mostRepositories = 20
const mostNames = 10

/** The end of an error about modules that are missing: which lines would bring them in, and what nobody has. */
export function proposeLines(search: ModuleSearch, declaring: DeclaringFile): string {
  const groups = [...Map.groupBy(search.found, ({ repository }) => repository.url).values()]
  const newly = groups.filter(([one]) => !isDeclared(one!, declaring))
  const already = groups.filter(([one]) => isDeclared(one!, declaring))
  const shown = newly.slice(0, mostRepositories)
  const lines = shown.map((group) => lineFor(group, declaring))
  const parts: string[] = []
  if (lines.length > 0) {
    const more = newly.length > shown.length ? ` and ${newly.length - shown.length} more repositories` : ''
    parts.push(
      `To take what is missing from other repositories, add to ${declaring.file} the line${lines.length > 1 ? 's' : ''} ${lines.join(' and ')}${more} (${shown.map(describe).join('; ')})`,
    )
  }
  for (const group of already)
    parts.push(
      `${describe(group)}, which ${declaring.file} names: ${declaring.kind === 'addons' ? `enable it there, \`${enablingLine(group, declaring.pattern)}\`, or ` : ''}take the newer commit with \`fairway lock --update\``,
    )
  if (search.absent.length > 0) parts.push(describeAbsent(search))
  return parts.join('; ')
}

const isDeclared = ({ repository }: FoundModule, { declared }: DeclaringFile) =>
  declared.some((url) => plain(url) === plain(repository.url))
const plain = (url: string) => url.replace(/\.git$/, '').toLowerCase()

function lineFor(group: readonly FoundModule[], { kind, pattern, series }: DeclaringFile): string {
  const { name, url } = group[0]!.repository
  const isUsual = pattern.replace('{}', name) === url
  const folder = folderOf(group[0]!, pattern)
  const quoted = (text: string) => `\`${text}\``
  if (kind === 'oca-dependencies') return quoted(isUsual ? name : `${folder} ${url} ${series}`)
  const enabling = quoted(enablingLine(group, pattern))
  if (kind === 'addons' && isUsual) return enabling
  const entry = `${folder}: { remotes: { origin: ${JSON.stringify(url)} }, merges: [${JSON.stringify(`origin ${series}`)}] }`
  return kind === 'repos'
    ? quoted(`./${entry}`)
    : `${enabling}, with ${quoted(entry)} in the repos.yaml beside it`
}

/** Its name is what the pattern makes an address of; without the pattern the address names it. */
const folderOf = ({ repository: { name, url } }: FoundModule, pattern: string) =>
  pattern.replace('{}', name) === url ? name : nameOf(url)

const enablingLine = (group: readonly FoundModule[], pattern: string) =>
  `${folderOf(group[0]!, pattern)}: [${group.map(({ module }) => module).join(', ')}]`

function describe(group: readonly FoundModule[]): string {
  const [{ repository, commit }] = group as [FoundModule]
  const nameModule = ({ module, neededBy, fault, also }: FoundModule) => {
    const notes = [
      ...(neededBy ? [`needed by ${neededBy}`] : []),
      ...(also.length > 0 ? [`also in ${also.slice(0, 3).map(nameRepository).join(', ')}`] : []),
      ...(fault ? [fault] : []),
    ]
    return notes.length > 0 ? `${module} [${notes.join('; ')}]` : module
  }
  return `${repository.name} at ${commit.slice(0, 10)} has ${listShort(group, mostNames, nameModule)}`
}

const nameRepository = ({ name }: IndexedRepository) => name

function describeAbsent({ absent, looked, without, unread, left }: ModuleSearch): string {
  const names = listShort(absent, mostNames, ({ module, neededBy }) =>
    neededBy ? `${module} [needed by ${neededBy}]` : module,
  )
  const notes = [
    ...(unread.length > 0
      ? [`${unread.length} could not be read, ${unread[0]!.name} as ${unread[0]!.why}`]
      : []),
    ...(left > 0 ? [`${left} were not looked at`] : []),
  ]
  const among = looked.length + without.length
  return `${among === 0 ? 'no other repository could be asked for' : `no repository that was looked at (${among}) has`} ${names}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}: check the name, or declare the repository that has it`
}
