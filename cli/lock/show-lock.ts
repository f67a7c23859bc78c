import type { Lock } from '../../proto/gen/fairway/v1/locks_pb.js'
import type { Output } from '../output.ts'
import { type LockedPackage, type LockedRepository, parseLockDocument } from './lock-document.ts'

/** What the lock pins, as people read it. */
export function showLock(out: Output, lock: Lock): void {
  const document = parseLockDocument(lock.document)
  out.fields([
    ['commit', document.commit || lock.commit],
    ['build', lock.build ? String(lock.build) : ''],
    ['base', document.base],
    ['sha256', lock.sha256],
  ])
  if (document.repositories.length > 0) {
    out.line()
    out.list<LockedRepository>(
      document.repositories,
      [
        { title: 'REPOSITORY', value: (row) => row.path },
        { title: 'COMMIT', value: (row) => row.commit, whole: true },
        { title: 'REF', value: (row) => row.ref },
        { title: 'FROM', value: (row) => row.url },
      ],
      '',
    )
  }
  if (document.packages.length > 0) {
    out.line()
    out.list<LockedPackage>(
      document.packages,
      [
        { title: 'PACKAGE', value: (row) => row.name },
        { title: 'VERSION', value: (row) => row.version, whole: true },
        { title: 'KIND', value: (row) => row.kind },
      ],
      '',
    )
  }
}
