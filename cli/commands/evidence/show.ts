import { formatTime } from '../../../lib/words/times.ts'
import { EvidenceService } from '../../../proto/gen/fairway/v1/evidence_pb.js'
import { CliError } from '../../errors.ts'
import { resolveEvidence } from '../../evidence/ref.ts'
import { exitCodes } from '../../exit-codes.ts'
import { evidenceJson, predicateName } from '../../json/evidence.ts'
import { paintWord } from '../../style.ts'
import { renderTable } from '../../table.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ statement?: string }>({
  usage: 'show <run...>',
  summary: 'Show what is signed about a run',
  details: 'A run is named by its id, or as a build.',
  examples: [
    ['fairway evidence show acme 12', 'its statements'],
    ['fairway evidence show acme/12 --statement deploy >deploy.sigstore.json', 'one of them, for cosign'],
  ],
  configure: (command) =>
    command.option('--statement <predicate>', 'print the sigstore bundle of this statement only'),
  async run(session, words, options) {
    const client = await session.client(EvidenceService)
    const run = await resolveEvidence(session, words)
    const { evidence } = await client.getEvidence({ run }, { signal: session.signal })
    if (!evidence) return undefined
    if (options.statement !== undefined) {
      const wanted = evidence.statements.find(
        ({ predicateType }) => predicateName(predicateType) === options.statement,
      )
      if (!wanted) {
        const names = evidence.statements.map(({ predicateType }) => predicateName(predicateType)).join(', ')
        throw new CliError(
          exitCodes.notFound,
          `There is no statement ${JSON.stringify(options.statement)} about this run. There are: ${names}.`,
        )
      }
      process.stdout.write(wanted.bundle)
      return undefined
    }
    const json = evidenceJson(evidence)
    const { out } = session
    if (out.json) {
      out.printJson(json)
      return undefined
    }
    out.fields([
      ['Run', json.run],
      ['Kind', json.kind],
      ['Build', json.number === null ? null : `${json.project}/${json.number}`],
      ['Environment', json.environment && `${json.project}/${json.environment}`],
      ['Outcome', paintWord(out.paint, json.outcome)],
      ['Finished', formatTime(json.finishedAt)],
    ])
    const rows = json.statements.flatMap((statement) =>
      statement.subjects.map((subject, index) => ({
        ...statement,
        subject,
        predicate: index === 0 ? statement.predicate : '',
      })),
    )
    const table = renderTable(
      rows,
      [
        { title: 'STATEMENT', value: (row) => row.predicate },
        { title: 'ABOUT', value: (row) => row.subject },
      ],
      out.width,
    )
    out.line(`\n${table.join('\n')}`)
    return undefined
  },
})
