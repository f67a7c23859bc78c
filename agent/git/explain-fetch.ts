import type { ProcessError } from '../process.ts'
import { TaskError } from '../tasks/task.ts'
import { lastGitError } from './command.ts'
import type { Named } from './ref-names.ts'
import { redactUrl } from './url.ts'

/** What people can do about a fetch that failed. */
export function explainFetch(error: ProcessError, url: string, wanted: Named): TaskError {
  const where = redactUrl(url)
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
  )
    return wrap('repository-denied', `${where} cannot be read: ${said}; check address and deploy key`)
  if (/fsck error/.test(error.stderr)) return wrap('repository-invalid', `${where} is refused: ${said}`)
  return wrap('repository-unreachable', `${where} cannot be fetched: ${said}`)
}

const redactUrls = (text: string) => text.replace(/(\w+:\/\/)[^/\s']*@/g, '$1')
