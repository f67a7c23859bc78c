import { mkdir, writeFile } from 'node:fs/promises'
import { renderFairwayJsonSchema } from './json-schema.ts'

// Called by `npm run gen`: node agent/repository/write-schema.ts
const file = new URL('../../docs/fairway.schema.json', import.meta.url)
await mkdir(new URL('.', file), { recursive: true })
await writeFile(file, renderFairwayJsonSchema())
