import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { renderPolicyJsonSchema } from './json-schema.ts'

// Called by `npm run gen`: node server/governance/policy/write-schema.ts [FILE]
const file = process.argv[2] ?? 'docs/policy.schema.json'
await mkdir(dirname(file), { recursive: true })
await writeFile(file, renderPolicyJsonSchema())
