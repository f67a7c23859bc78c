import { z } from 'zod'
import { fairwaySchema } from './schema.ts'

/** JSON schema of fairway.yaml, for editors; the published file is this text. */
export function renderFairwayJsonSchema(): string {
  const schema = z.toJSONSchema(fairwaySchema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
  })
  return `${JSON.stringify({ title: 'fairway.yaml', ...schema }, null, 2)}\n`
}
