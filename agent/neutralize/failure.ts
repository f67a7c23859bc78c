import { z } from 'zod'
import { parseJson } from '../cached-json.ts'
import { plain } from '../plain-text.ts'
import { failingMark } from './neutralize-script.ts'

const kinds = ['', 'encoding', 'mark', 'empty', 'psql', 'time'] as const
type Kind = (typeof kinds)[number]

/** What a neutralization failed on, in the words of the image: plain ones, and not many. */
const failureSchema = z.object({
  module: z.string().regex(/^\w{1,100}$/),
  /** What PostgreSQL says first; the details that may follow show rows. */
  error: z.string().transform((text) => plain(text, 300)),
  /** Empty where nobody knows which it is. */
  statement: z.string().transform((text) => plain(text, 200)),
  /** In the file, from 1; 0 where nobody knows. */
  line: z.int().min(0),
  /** What is known of such failures. */
  kind: z.enum(kinds),
  /** The module is in the project's sources. */
  own: z.boolean(),
})
export type NeutralizationFailure = z.infer<typeof failureSchema>

/** Of a line of the image's output; undefined for all others, and where it makes no sense. */
export const findFailure = (line: string): NeutralizationFailure | undefined =>
  line.startsWith(failingMark) ? parseJson(line.slice(failingMark.length), failureSchema) : undefined

const advice: Readonly<Record<Kind, string>> = {
  '': '',
  encoding: ' Odoo reads it as UTF-8: save it as that.',
  mark: ' It begins with a byte order mark, which is no SQL: save it as UTF-8 without one.',
  empty:
    ' It has no statement, and Odoo gives it to PostgreSQL all the same: remove it, or write `SELECT 1`.',
  psql: ' Odoo gives it to PostgreSQL as it is: commands of psql, and rows behind COPY … FROM stdin, are unknown there.',
  time: ' It took longer than half an hour.',
}

/** @param ofProduction the image is the one that production runs. */
export function describeFailure(failure: NeutralizationFailure, ofProduction: boolean): string {
  const { module, error, statement, line, kind, own } = failure
  const file = `${module}/data/neutralize.sql`
  const place = line > 0 ? `${file}, line ${line}` : file
  const about = statement && ` (in: ${statement})`
  return `Odoo could not neutralize the database: ${place}: ${error}${about}.${advice[kind]} ${nextStep(own, ofProduction)}`
}

function nextStep(own: boolean, ofProduction: boolean): string {
  if (!own)
    return (
      'The file comes with the base image or a Python package: take a version of that whose file fits this database, ' +
      'or uninstall the module in production.'
    )
  return ofProduction
    ? 'Production runs this version of it: correct it and release that, without a rehearsal, which fails in the same way.'
    : 'Correct the file and push again.'
}
