import { formatBytes } from '../../../lib/words/bytes.ts'
import { ReleaseService } from '../../../proto/gen/fairway/v1/releases_pb.js'
import { formatAge } from '../../format.ts'
import { type DataSnapshotJson, dataSnapshotJson } from '../../json/data-snapshot.ts'
import { onlyProject } from '../../resolve.ts'
import { verb } from '../../verb.ts'

export const command = verb({
  usage: 'list [project]',
  summary: 'List the snapshots of production’s data that are kept, newest first',
  details:
    'Of every release that changes the data a snapshot is taken right before (safety): `fairway release restore` puts it back, ' +
    'whatever became of that release. What a failed update left is kept to be studied (failed). SERVED is the build that ' +
    'production ran then, which goes back with the data.',
  examples: [
    ['fairway snapshot list acme', 'when, how large, and before which release'],
    ['fairway snapshot list acme --json | jq -r ".[0].id"', 'the newest'],
  ],
  async run(session, [project]) {
    const { out, signal } = session
    const client = await session.client(ReleaseService)
    const wanted = project ?? (await onlyProject(session))
    const { snapshots } = await client.listSnapshots({ project: wanted }, { signal })
    out.list<DataSnapshotJson>(
      snapshots.map(dataSnapshotJson),
      [
        { title: 'SNAPSHOT', value: ({ id }) => id.slice(0, 8), whole: true },
        { title: 'TAKEN', value: ({ takenAt }) => formatAge(takenAt) },
        { title: 'SIZE', value: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
        { title: 'KIND', value: ({ purpose }) => purpose },
        { title: 'OF', value: originOf },
        { title: 'SERVED', value: ({ servedBuild }) => String(servedBuild ?? ''), align: 'right' },
        { title: 'RUN', value: ({ runId }) => runId?.slice(0, 8) ?? '', whole: true },
      ],
      'No snapshot of production is kept: one is taken before every release that changes its data.',
    )
    return undefined
  },
})

/** `release 7 (build 42)`, `promote of build 43, failed` */
function originOf({ release, kind, build, status }: DataSnapshotJson): string {
  if (release !== null) return `release ${release}${build === null ? '' : ` (build ${build})`}`
  return [`${kind ?? 'a run'}${build === null ? '' : ` of build ${build}`}`, status]
    .filter(Boolean)
    .join(', ')
}
