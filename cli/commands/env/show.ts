import { EnvironmentService } from '../../../proto/gen/fairway/v1/environments_pb.js'
import { dirtySentence } from '../../dirty-words.ts'
import { formatAge } from '../../format.ts'
import { environmentJson } from '../../json/environment.ts'
import { keptSentence } from '../../kept-words.ts'
import { resolveEnvironment } from '../../resolve.ts'
import { isOpenToAll, signInSentence } from '../../sign-in-words.ts'
import { paintWord } from '../../style.ts'
import { oneLine } from '../../table.ts'
import { verb } from '../../verb.ts'

/** Values are what a file in the repository says: one line each, whatever they hold. */
const variableLines = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${oneLine(value)}`)
    .join(', ')

export const command = verb({
  usage: 'show <environment...>',
  summary: 'Show an environment: what it runs and where',
  examples: [
    ['fairway env show acme production', 'by its name'],
    ['fairway env show acme/release/1.0', 'by its branch'],
  ],
  async run(session, words) {
    const client = await session.client(EnvironmentService)
    const name = await resolveEnvironment(session, words)
    const { environment } = await client.getEnvironment({ environment: name }, { signal: session.signal })
    if (!environment) return undefined
    const { out } = session
    const json = environmentJson(environment)
    if (out.json) {
      out.printJson(json)
      return undefined
    }
    out.fields([
      ['Environment', `${json.project}/${json.name}`],
      ['Stage', json.stage],
      ['Status', paintWord(out.paint, json.status)],
      ['Kept', keptSentence(json)],
      ['Data', json.dirtySince && out.paint('red', dirtySentence(json))],
      ['URL', json.url],
      ['Branch', json.branch],
      ['Build', json.build === null ? null : `${json.project}/${json.build}`],
      ['Image', json.digest],
      ['Modules', json.modules.join(', ')],
      ['Variables', variableLines(json.variables)],
      ['Cell', json.cell],
      ['Host', json.host],
      ['Changed', formatAge(json.updatedAt)],
      ['Sign in', isOpenToAll(json) ? out.paint('red', signInSentence(json)) : signInSentence(json)],
      ['Stuck', json.trouble && out.paint('red', json.trouble)],
      ['Under way', json.runningRun && `fairway run watch ${json.runningRun}`],
    ])
    return undefined
  },
})
