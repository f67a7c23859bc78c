import { type GitProtocol, isNoPath, requireProtocol } from '../../lib/addresses/git-url.ts'
import { redactUrls } from '../../lib/addresses/redact-urls.ts'
import { TaskError } from '../tasks/task.ts'
import type { LocalRepositories } from './local/local-repositories.ts'

/** A repository as git is told of it. */
export interface Remote {
  readonly address: string
  /** Before the address, of `fetch` and `ls-remote` alike. */
  readonly options: readonly string[]
  /** Set of one on this host. */
  readonly local?: { readonly ownerUid: number }
}

/**
 * Looks at an address before git does. A path is taken only where the address is the project's own, as its owner gave it.
 * Throws TaskError `repository-url` and what `LocalRepositories` throws.
 */
export async function requireRemote(
  url: string,
  isOwn: boolean,
  { protocols, locals }: { protocols: readonly GitProtocol[]; locals: LocalRepositories },
): Promise<Remote> {
  const protocol = requireProtocol(url, isOwn ? protocols : protocols.filter(isNoPath))
  if (protocol !== 'file') return { address: url, options: [] }
  const { address, uploadPack, ownerUid } = await locals.open(url)
  return { address, options: [`--upload-pack=${uploadPack}`], local: { ownerUid } }
}

/** Of a repository on this host git's own words name paths, and there is but one reason. */
export function explainLocal(url: string, { ownerUid }: { ownerUid: number }, cause: Error): TaskError {
  const where = redactUrls(url)
  return new TaskError(
    'repository-denied',
    `${where} is there, and its owner (uid ${ownerUid}) cannot read it, or it is damaged: let the owner enter the folders ` +
      'above it, and try git fsck as them',
    { cause },
  )
}
