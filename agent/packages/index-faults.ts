import { credentialAdvice } from '../credential-advice.ts'
import { refusedText } from '../egress/gateway.ts'
import { TaskError } from '../tasks/task.ts'

/** What kept a page or a file of an index from a build. */
export type IndexFault =
  | { readonly kind: 'denied'; readonly status: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'unavailable'; readonly what: string }

/** Faults by the address that was asked for; one that was answered after all has none. */
export type IndexFaults = Map<string, IndexFault>

/** The first of what went wrong with the index, for people; undefined where it answered everything. */
export function indexError(faults: IndexFaults): TaskError | undefined {
  const [first] = faults
  if (!first) return undefined
  const [url, fault] = first
  if (fault.kind === 'denied')
    return new TaskError(
      'python-index-denied',
      `the package index refuses ${url} (HTTP ${fault.status}): ${credentialAdvice('python', new URL(url).host)}`,
    )
  const what = fault.kind === 'refused' ? refusedText : fault.what
  return new TaskError('python-index-unavailable', `the package index does not answer at ${url}: ${what}`)
}
