import { z } from 'zod'
import { policySchema } from './document.ts'

/** JSON schema of a policy, for editors; the published file is this text. */
export function renderPolicyJsonSchema(): string {
  const schema = z.toJSONSchema(policySchema, {
    io: 'input',
    target: 'draft-2020-12',
    unrepresentable: 'any',
  })
  return `${JSON.stringify({ title: 'Fairway policy', ...schema }, null, 2)}\n`
}
