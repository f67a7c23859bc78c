import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { demoStack } from './demo/demo-stack.ts'
import { down } from './demo/down.ts'
import { showMainJob } from './demo/main-job.ts'
import { say, title } from './demo/say.ts'
import { home } from './home.ts'
import { setUp } from './setup.ts'

const usage = `npm run demo [-- options]

Sets this machine up, starts Fairway on it, and takes a repository with two Odoo modules from a git push
to a running Odoo in production, staging and development. Leaves all of it running.

  --down     stop it and remove everything it made (packages, Docker and images stay)
  --keep     with --down: stop it, but keep its data; the next demo goes on with them
  --fresh    remove what an earlier demo left, and begin anew
  --no-push  only start what an earlier demo made
  --help
`

const credentialsFile = fileURLToPath(new URL('../../.fairway/credentials.json', import.meta.url))

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      down: { type: 'boolean' },
      keep: { type: 'boolean' },
      fresh: { type: 'boolean' },
      'no-push': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return void process.stdout.write(usage)
  if (values.down) return down({ keepData: values.keep ?? false })
  if (values.fresh) await down({ keepData: false })

  title('1  Set up this machine')
  await setUp({ only: ['images', 'tools'] })
  const stack = await demoStack()

  title('2  Start the control plane and one agent')
  await stack.startServer()
  const credentials = await stack.credentials()
  await mkdir(fileURLToPath(new URL('.', `file://${credentialsFile}`)), { recursive: true, mode: 0o700 })
  await writeFile(credentialsFile, `${JSON.stringify(credentials, undefined, 2)}\n`, { mode: 0o600 })
  await stack.startAgent()
  say(`server ${stack.server}, logs in ${home}/demo/*.log`)
  process.stdout.write(await stack.cli('host', 'list'))

  await showMainJob(stack, { push: !values['no-push'] })
}

main().catch((error: unknown) => {
  process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
})
