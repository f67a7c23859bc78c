import { createCheckpointStore } from './audit/checkpoint-store.ts'

/**
 * What `fairway-agent checkpoint` prints: the note on standard output, so that it can be kept as a file for
 * `fairway audit verify --checkpoint`; all else on standard error. With `forget` the next one is taken without regard to it.
 */
export function showCheckpoint(
  directory: string,
  { forget }: { forget: boolean },
): { note: string; remarks: string; exitCode: number } {
  const store = createCheckpointStore(directory)
  const kept = store.read()
  if (!kept) {
    return { note: '', remarks: 'This host has taken no checkpoint of the audit log yet.\n', exitCode: 1 }
  }
  const remarks = [`Taken ${kept.takenAt}, signed with ${kept.verifierKey}`]
  if (kept.refused) {
    remarks.push(`REFUSED one at ${kept.refused.at}: ${kept.refused.reason}`, kept.refused.note)
  }
  if (forget) {
    store.forget()
    remarks.push('Forgotten: the next checkpoint, and its key, are taken for good. Keep the one above.')
  }
  return { note: kept.note, remarks: `${remarks.join('\n')}\n`, exitCode: kept.refused && !forget ? 1 : 0 }
}
