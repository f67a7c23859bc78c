import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../packaging/dev/command.ts'
import { checkOutFormer, formerCommit } from './checkout.ts'

// node test/former/record.ts: plays the runs of play-former.ts by the server of that commit, and writes former-runs.json.br: CI's
// checkout may not reach back so far.

const file = fileURLToPath(new URL('former-runs.json.br', import.meta.url))
await using former = await checkOutFormer()
const { directory } = former
const program = join(directory, 'test', 'former', 'in-former.ts')
console.info(await run(process.execPath, [program, formerCommit, file], { cwd: directory }))
