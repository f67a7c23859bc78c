import { credentialAdvice } from '../credential-advice.ts'
import type { ProcessError } from '../process.ts'
import { redactUrls } from '../redact-urls.ts'
import { TaskError } from '../tasks/task.ts'
import { lastGitError } from './command.ts'
import type { Named } from './ref-names.ts'
import { hostNames, targetOf } from './url.ts'
import type { Trouble } from './way-out.ts'

/**
 * What people can do about a fetch that failed. Of public hosts, and of what is reached by leave, it is what git said;
 * of others nothing that they or their network answered.
 */
export function explainFetch(error: ProcessError, url: string, wanted: Named, trouble: Trouble): TaskError {
  const told = explainTrouble(trouble, url, error)
  if (told) return told
  const where = redactUrls(url)
  const said = redactUrls(lastGitError(error))
  const wrap = (reason: string, message: string) => new TaskError(reason, message, { cause: error })
  if (error.timedOut)
    return wrap('repository-unreachable', `${where}: fetching took too long and was given up`)
  if (/couldn't find remote ref/i.test(error.stderr))
    return wanted.ref
      ? wrap('ref-missing', `${where} has no branch or tag ${wanted.ref}: it was deleted or renamed`)
      : wrap('branch-missing', `${where} has no branch ${wanted.branch}: it was deleted or renamed`)
  if (/not our ref|unadvertised object|bad object/i.test(error.stderr))
    return wrap(
      'commit-missing',
      `${where} no longer has the commit ${wanted.commit}: it was rebased or force-pushed away`,
    )
  if (/returned error: 30\d/.test(error.stderr))
    return wrap(
      'repository-moved',
      `${where} sends on to another address, which is not followed with credentials: use that one (it may end in .git)`,
    )
  if (
    /authentication failed|could not read (username|password)|permission denied|access denied|not found|40[134]|publickey/i.test(
      error.stderr,
    )
  ) {
    const host = hostNames(url).names.at(-1)
    const advice = host ? `check the address, or ${credentialAdvice('git', host)}` : 'check the address'
    return wrap('repository-denied', `${where} cannot be read: ${said}; ${advice}`)
  }
  if (/fsck error/.test(error.stderr)) return wrap('repository-invalid', `${where} is refused: ${said}`)
  // What answers there may be anything.
  if (trouble.wasPrivate) return notAllowed(url, targetOf(url), error)
  return wrap('repository-unreachable', `${where} cannot be fetched: ${said}`)
}

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
