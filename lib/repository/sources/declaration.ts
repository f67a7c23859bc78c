import { TaskError } from '../../faults/task-error.ts'
import { trimEnd } from '../../words/trim.ts'

/** A commit that a file asks for: the head of a branch, tag or other ref, or one by its id. */
export interface WantedCommit {
  url: string
  ref: string
  /** Full id; empty: whatever `ref` is when it is resolved. */
  commit: string
}

/** A repository of addons, as a file of the project or of another such repository declares it. */
export interface Declaration {
  /** Where it is placed, below the folder of the sources: `sale-workflow`, `oca/web`. */
  folder: string
  /** The first, and what is merged onto it, in order. */
  from: readonly [WantedCommit, ...WantedCommit[]]
  /** File and line, for people: `oca_dependencies.txt:3`. */
  declaredIn: string
  /** Its own oca_dependencies.txt is read as well. */
  recursive: boolean
}

/** What declarations fall back to, and what stands for `$NAME` in them. */
export interface SourceDefaults {
  /** Odoo's version, which is the branch: `19.0`. */
  series: string
  /** Address of an OCA repository, `{}` for its name. */
  pattern: string
  variables: ReadonlyMap<string, string>
  /** Files and folders that are knowingly left out: nothing is said of them. */
  ignore: readonly string[]
}

export const maxSources = 200
export const maxFileBytes = 256 * 1024

/** A fault of a declaring file; `where` is its name and line. */
export function invalidSources(where: string, message: string, cause?: unknown): TaskError {
  return new TaskError('sources-invalid', `${where}: ${message}`, { cause })
}

/** `./oca/web/` → `oca/web`; undefined for what is no folder below the declaring file's. */
export function parseFolder(text: string): string | undefined {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.')
  const fine = !text.startsWith('/') && text.length <= 200 && parts.every((part) => isFolderName(part))
  return fine && parts.length > 0 ? parts.join('/') : undefined
}

export const isFolderName = (text: string): boolean => /^\w[\w.+-]{0,99}$/.test(text)

/** What a repository is known by: the last part of its folder or address. */
export function nameOf(folderOrUrl: string): string {
  const name = trimEnd(folderOrUrl, '/').split(/[/:]/).at(-1) ?? ''
  return name.endsWith('.git') ? name.slice(0, -4) : name
}

/** Odoo itself, which comes with the base image. A company may well call a repository of its addons `odoo`. */
export const isCore = ({ folder, url }: { folder: string; url: string }): boolean =>
  ['odoo', 'ocb'].includes(nameOf(folder).toLowerCase()) || /[/:](odoo\/odoo|oca\/ocb)(\.git)?\/*$/i.test(url)
