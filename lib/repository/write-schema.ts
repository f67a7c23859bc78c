import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { renderFairwayJsonSchema } from './json-schema.ts'

// Called by `npm run gen`: node lib/repository/write-schema.ts [FILE]
const file = process.argv[2] ?? 'docs/fairway.schema.json'
await mkdir(dirname(file), { recursive: true })
await writeFile(file, renderFairwayJsonSchema())
