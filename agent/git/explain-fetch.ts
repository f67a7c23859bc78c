import { hostNames, targetOf } from '../../lib/addresses/git-url.ts'
import { redactUrls } from '../../lib/addresses/redact-urls.ts'
import { credentialAdvice } from '../credential-advice.ts'
import type { ProcessError } from '../process.ts'
import { TaskError } from '../tasks/task.ts'
import { lastGitError } from './command.ts'
import { fetchEnding } from './fetch-ending.ts'
import type { Named } from './ref-names.ts'
import type { Trouble } from './way-out.ts'

/**
 * What people can do about a fetch that failed. Of public hosts, and of what is reached by leave, it is what git said;
 * of others nothing that they or their network answered.
 */
export function explainFetch(error: ProcessError, url: string, wanted: Named, trouble: Trouble): TaskError {
  const told = explainTrouble(trouble, url, error)
  if (told) return told
  const where = redactUrls(url)
  const wrap = (reason: string, message: string) => new TaskError(reason, message, { cause: error })
  if (error.timedOut)
    return wrap('repository-unreachable', `${where}: fetching took too long and was given up`)
  const ending = fetchEnding(error.stderr)
  if (ending.kind === 'ref-missing')
    return wanted.ref
      ? wrap('ref-missing', `${where} has no branch or tag ${wanted.ref}: it was deleted or renamed`)
      : wrap('branch-missing', `${where} has no branch ${wanted.branch}: it was deleted or renamed`)
  if (ending.kind === 'commit-missing')
    return wrap(
      'commit-missing',
      `${where} no longer has the commit ${wanted.commit}: it was rebased or force-pushed away`,
    )
  if (ending.kind === 'unclean')
    return wrap('repository-invalid', `${where} is refused: ${redactUrls(lastGitError(error))}`)
  if (ending.kind === 'host-key')
    return wrap(
      'repository-host-key',
      `${where} cannot be fetched: its host shows another key than at its first connection; find out why, and where it was changed on purpose have its line removed from git/known_hosts of the agent's directory`,
    )
  const said = redactUrls(ending.said)
  if (ending.kind === 'denied') return denied(said)
  if (ending.kind === 'status') return explainStatus(ending.status, said)
  if (ending.began)
    return wrap('repository-unreachable', `${where} broke off while it was fetched: ${said}; try again later`)
  // What answers there may be anything.
  if (trouble.wasPrivate) return notAllowed(url, targetOf(url), error)
  return wrap('repository-unreachable', `${where} cannot be fetched: ${said}`)

  function explainStatus(status: number, said: string): TaskError {
    if (status >= 300 && status < 400)
      return wrap(
        'repository-moved',
        `${where} sends on to another address, which is not followed with credentials: use that one (it may end in .git)`,
      )
    if (deniedStatuses.has(status)) return denied(said)
    const isPassing = status >= 500 || passingStatuses.has(status)
    const advice = isPassing
      ? 'the server has trouble of its own, or too much to do: try again later'
      : 'check the address'
    return wrap(
      'repository-unreachable',
      `${where} cannot be fetched: the server answers HTTP ${status}; ${advice}`,
    )
  }

  function denied(said: string): TaskError {
    const host = hostNames(url).names.at(-1)
    const advice = host ? `check the address, or ${credentialAdvice('git', host)}` : 'check the address'
    return wrap('repository-denied', `${where} cannot be read: ${said}; ${advice}`)
  }
}

/** Servers say that nothing is there also of what one may not see. */
const deniedStatuses: ReadonlySet<number> = new Set([401, 403, 404, 410, 451])
/** Too slow, too early, too many. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429])

/** What kept a fetch from connecting; undefined where nothing did. */
export function explainTrouble(
  { refusal, failure }: Trouble,
  url: string,
  cause: Error,
): TaskError | undefined {
  if (refusal) return notAllowed(url, refusal, cause)
  if (!failure) return undefined
  if (!failure.isPublic) return notAllowed(url, failure, cause)
  const message = `${redactUrls(url)} cannot be fetched: ${failure.host}:${failure.port}: ${failure.what}; check the address, or try again later`
  return new TaskError('repository-unreachable', message, { cause })
}

/**
 * The one wording. A closed port, an open one, a name that does not exist, a host that does not answer, and one that is no
 * git server read alike: whoever may name an address is not to learn what is there.
 */
function notAllowed(url: string, { host, port }: { host: string; port: number }, cause: Error): TaskError {
  return new TaskError(
    'repository-not-allowed',
    `${redactUrls(url)} cannot be fetched: ${host}:${port} is not public, does not exist, or is no git server; check the ` +
      'address, or have it allowed: `network.allow` of the policy for a private address, FAIRWAY_NETWORK_ALLOW of the ' +
      'agent for one of the host itself',
    { cause },
  )
}
