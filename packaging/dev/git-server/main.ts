import { parseArgs } from 'node:util'
import { startGitServer } from '../git-server.ts'

/** The git server as a program of its own, for the demo, whose repositories outlive it. The secret comes by environment. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { root: { type: 'string' }, port: { type: 'string' }, 'webhook-url': { type: 'string' } },
  })
  const secret = process.env.FAIRWAY_WEBHOOK_SECRET
  const url = values['webhook-url']
  if (!values.root || !values.port || !url || !secret) {
    throw new Error('usage: FAIRWAY_WEBHOOK_SECRET=… main.ts --root DIR --port N --webhook-url URL')
  }
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort())
  const server = await startGitServer({
    root: values.root,
    port: Number(values.port),
    webhook: { url, secret },
    signal: stopping.signal,
  })
  process.stdout.write(`git server on ${server.url}\n`)
}

await main()
