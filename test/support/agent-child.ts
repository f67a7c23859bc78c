import { appendFileSync, existsSync } from 'node:fs'
import { create } from '@bufbuild/protobuf'
import { parseConfig } from '../../agent/config.ts'
import { createIdentityStore } from '../../agent/link/identity.ts'
import { runLink } from '../../agent/link/link.ts'
import { openLinkStore } from '../../agent/link/store.ts'
import { createLogger } from '../../agent/logger.ts'
import { DestroySnapshotOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { openGuard } from './open-guard.ts'

// An agent as a process of its own, to be killed. Its one task appends to the file named by the snapshot id and then
// waits for a second file.
const config = parseConfig(process.env)
const log = createLogger(config.logLevel)
const store = openLinkStore(config.directory, config.spoolLimitBytes)
const stopping = new AbortController()
process.on('SIGTERM', () => stopping.abort())
process.stdout.write('ready\n')
await runLink(
  {
    store,
    identities: createIdentityStore(config.directory),
    handlers: {
      async destroySnapshot({ snapshotId: file }, context) {
        await context.once('effect', async () =>
          appendFileSync(file, `effect ${context.taskId} ${context.epoch}\n`),
        )
        appendFileSync(file, 'run\n')
        // Nothing else of this process runs meanwhile.
        const busyUntil = performance.now() + Number(process.env.FAIRWAY_TEST_BUSY_MS ?? 0)
        while (performance.now() < busyUntil);
        await context.requireLease()
        while (!existsSync(`${file}.gate`)) await new Promise((resolve) => setTimeout(resolve, 20))
        return create(DestroySnapshotOutputSchema)
      },
    },
    guard: openGuard,
    inventory: async () => ({ cpuCount: 1 }),
    agentVersion: 'test',
    servers: config.servers,
    shutdownGraceMs: config.shutdownGraceMs,
    log,
  },
  stopping.signal,
)
store.close()
