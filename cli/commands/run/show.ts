import { formatBytes } from '../../../lib/words/bytes.ts'
import { formatDuration } from '../../../lib/words/durations.ts'
import { formatTime } from '../../../lib/words/times.ts'
import { RunService } from '../../../proto/gen/fairway/v1/runs_pb.js'
import { stepTable } from '../../build-detail.ts'
import { runJson } from '../../json/run.ts'
import { explainFailure } from '../../report-run.ts'
import { resolveRun } from '../../resolve.ts'
import { paintWord } from '../../style.ts'
import { renderTable } from '../../table.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ manifest?: boolean }>({
  usage: 'show <run...>',
  summary: 'Show a run: steps, tasks, artifacts and its manifest',
  details: 'A run is named by its id or the first digits of it, or as a build.',
  examples: [
    ['fairway run show acme/12', 'what the build did, task by task'],
    ['fairway run show acme/12 --manifest', 'the manifest, byte for byte as it was hashed'],
  ],
  configure: (command) => command.option('--manifest', 'print the manifest only'),
  async run(session, words, options) {
    const client = await session.client(RunService)
    const { run } = await client.getRun(await resolveRun(session, words), { signal: session.signal })
    if (!run) return undefined
    const { out } = session
    if (options.manifest) {
      process.stdout.write(run.manifest)
      return undefined
    }
    const json = runJson(run)
    if (out.json) {
      out.printJson(json)
      return undefined
    }
    out.fields([
      ['Run', json.id],
      ['Kind', json.kind],
      ['Environment', json.environment && `${json.project}/${json.environment}`],
      ['Build', json.number === null ? null : `${json.project}/${json.number}`],
      ['Status', paintWord(out.paint, json.status)],
      ['Result', json.result && paintWord(out.paint, json.result)],
      [
        json.trouble ? 'Stuck' : 'Reason',
        json.trouble ? out.paint('red', json.trouble.summary) : json.reason,
      ],
      ['By', json.requestedBy],
      ['Created', formatTime(json.createdAt)],
      ['Finished', formatTime(json.finishedAt)],
      ['Manifest', json.manifestSha256 && `sha256:${json.manifestSha256}`],
    ])
    const tables = [
      stepTable(out, json.steps),
      json.tasks.length === 0
        ? []
        : renderTable(
            json.tasks,
            [
              { title: 'TASK', value: (task) => task.kind },
              { title: 'STEP', value: (task) => task.step },
              { title: 'STATUS', value: (task) => task.status, paint: (text) => paintWord(out.paint, text) },
              { title: 'HOST', value: (task) => task.host },
              { title: 'EPOCH', value: (task) => String(task.epoch), align: 'right' },
              { title: 'TOOK', value: (task) => formatDuration(task.durationMs), align: 'right' },
              { title: 'ERROR', value: (task) => task.error ?? '' },
            ],
            out.width,
          ),
      json.artifacts.length === 0
        ? []
        : renderTable(
            json.artifacts,
            [
              { title: 'ARTIFACT', value: (artifact) => artifact.name },
              { title: 'SIZE', value: (artifact) => formatBytes(artifact.sizeBytes), align: 'right' },
              { title: 'SHA-256', value: (artifact) => artifact.sha256 },
            ],
            out.width,
          ),
    ]
    for (const table of tables) {
      if (table.length > 0) out.line(`\n${table.join('\n')}`)
    }
    if (json.failure) explainFailure(out, json)
    return undefined
  },
})
