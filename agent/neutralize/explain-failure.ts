import { z } from 'zod'
import { parseJson } from '../cached-json.ts'
import { type OdooContainer, odooContainer } from '../containers/odoo-options.ts'
import { type OneOffJudge, runOneOff } from '../containers/one-off.ts'
import { plain } from '../plain-text.ts'
import type { AgentServices } from '../services.ts'
import { type TaskContext, TaskError } from '../tasks/task.ts'
import { failingMark, failingScript } from './failing-script.ts'

/** What an `odoo neutralize` failed on, in the words of the image: plain ones, and not many. */
const failureSchema = z.object({
  module: z.string().regex(/^\w{1,100}$/),
  /** What PostgreSQL says first; the details that may follow show rows. */
  error: z.string().transform((text) => plain(text, 300)),
  /** Empty where nobody knows which it is. */
  statement: z.string().transform((text) => plain(text, 200)),
  /** In the file, from 1; 0 where nobody knows. */
  line: z.int().min(0),
})
export type NeutralizationFailure = z.infer<typeof failureSchema>

/**
 * `odoo neutralize` does not say which module's file it was that failed. So a script of ours tries them in the same image
 * once more, file by file, and takes it back.
 *
 * @returns undefined where nothing fails now, or the image says nothing that makes sense.
 */
export async function explainFailure(
  { docker }: Pick<AgentServices, 'docker'>,
  context: TaskContext,
  spec: Omit<OdooContainer, 'arguments'>,
): Promise<NeutralizationFailure | undefined> {
  const container = {
    ...odooContainer({ ...spec, arguments: [] }),
    Cmd: ['python3', '-c', failingScript],
  }
  const oneOff = { name: 'explain-neutralize', source: 'odoo' as const, cellId: spec.cell.id, container }
  try {
    return parseJson(await runOneOff(docker, context, oneOff, createListener), failureSchema)
  } catch (error) {
    // That Odoo failed is the news, not that nobody can say why.
    if (!(error instanceof TaskError)) throw error
    context.log('fairway', `which file it was could not be found out: ${error.message}`)
    return undefined
  }
}

function createListener(): OneOffJudge<string> {
  let said = ''
  return {
    line(text) {
      if (text.startsWith(failingMark)) said = text.slice(failingMark.length)
    },
    finish: () => said,
  }
}
