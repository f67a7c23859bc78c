import { writeFile } from 'node:fs/promises'
import { renderAccessPage } from './access-page.ts'

// Called by `npm run gen`: node server/governance/write-access-page.ts [FILE]
await writeFile(process.argv[2] ?? 'docs/access.md', renderAccessPage())
