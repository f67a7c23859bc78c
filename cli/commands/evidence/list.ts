import { EvidenceService } from '../../../proto/gen/fairway/v1/evidence_pb.js'
import { formatAge } from '../../format.ts'
import { type EvidenceJson, evidenceJson } from '../../json/evidence.ts'
import { addLimit, limitOf } from '../../limit-option.ts'
import { paintWord } from '../../style.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ limit?: string }>({
  usage: 'list [project]',
  summary: 'List runs and what is signed about them, newest first',
  examples: [['fairway evidence list acme --limit 10', 'the last ten runs of a project']],
  configure: (command) => addLimit(command),
  async run(session, [project = ''], options) {
    const limit = limitOf(options)
    const client = await session.client(EvidenceService)
    const { evidence } = await client.listEvidence({ project, limit }, { signal: session.signal })
    const { out } = session
    out.list<EvidenceJson>(
      evidence.map(evidenceJson),
      [
        {
          title: 'RUN',
          value: (row) => (row.number ? `${row.project}/${row.number}` : row.run),
          whole: true,
        },
        { title: 'KIND', value: (row) => row.kind },
        { title: 'ENVIRONMENT', value: (row) => `${row.project}/${row.environment ?? ''}` },
        { title: 'OUTCOME', value: (row) => row.outcome, paint: (text) => paintWord(out.paint, text) },
        { title: 'FINISHED', value: (row) => formatAge(row.finishedAt) },
        {
          title: 'STATEMENTS',
          value: (row) => row.statements.map(({ predicate }) => predicate).join(', '),
        },
      ],
      'No evidence yet: it is made when a run ends.',
    )
    return undefined
  },
})
