import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CommandError, run } from '../../packaging/dev/command.ts'
import { machinePath } from '../support/machine-path.ts'
import { freePort } from '../support/postgres.ts'
import { waitFor } from '../support/wait-for.ts'

// docs/checkout.md, as written, in a root that holds what git has and nothing else.

const checkout = fileURLToPath(new URL('../../', import.meta.url))
const listFiles = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
const patienceMs = 600_000
let root: string
let words: { install: string; start: string }

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fairway-clean-'))
  // As /opt is: PostgreSQL, which refuses root, has to get to its programs.
  await chmod(root, 0o755)
  const files = (await run('git', listFiles, { cwd: checkout })).split('\0').filter(Boolean)
  const needed = files.filter(
    (file) => /^(server|lib|proto|migrations|cli|agent|packaging\/bin)\//.test(file) || !file.includes('/'),
  )
  for (const file of needed) await cp(join(checkout, file), join(root, file))
  const page = await readFile(join(checkout, 'docs/checkout.md'), 'utf8')
  const block = (name: string) =>
    new RegExp(`^\`\`\`sh ${name}\\n(.*?)\\n\`\`\`$`, 'ms').exec(page)?.[1] ?? ''
  words = { install: block('install'), start: block('start') }
  // The Node of the machine, as its people have it; not the one that runs this.
  const PATH = machinePath()
  const headers = await readFile('/usr/include/node/node_api.h').then(
    () => ({ npm_config_nodedir: '/usr' }),
    () => ({}),
  )
  await run('sh', ['-ec', words.install], { cwd: root, env: { PATH, ...headers } })
}, patienceMs)
afterAll(() => rm(root, { recursive: true, force: true }))

test(
  'a server starts that answers, and stops',
  async () => {
    const [api, link, postgres] = [await freePort(), await freePort(), await freePort()]
    const child = spawn('sh', ['-ec', `exec ${words.start}`], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
        FAIRWAY_DATA_DIR: join(root, 'data'),
        FAIRWAY_API_PORT: String(api),
        FAIRWAY_LINK_PORT: String(link),
        FAIRWAY_EMBEDDED_POSTGRES_PORT: String(postgres),
      },
    })
    let errors = ''
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    const exited = once(child, 'exit')
    try {
      await waitFor(
        'the server to answer',
        async () => {
          if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${errors}`)
          return await fetch(`http://127.0.0.1:${api}/readyz`).then(
            ({ ok }) => ok,
            () => false,
          )
        },
        patienceMs,
      )
    } finally {
      child.kill('SIGTERM')
      await exited
    }
    expect(child.exitCode).toBe(0)
  },
  patienceMs,
)

test.each(['fairway-agent', 'fairway'])('%s says how it is used', async (program) => {
  const path = { 'fairway-agent': 'packaging/bin/fairway-agent', fairway: 'cli/fairway.mjs' }[program]
  const said = await run(join(root, path ?? ''), ['--help']).catch((error: CommandError) => error.message)
  expect(said).toMatch(/Usage|fairway-agent join /)
})
