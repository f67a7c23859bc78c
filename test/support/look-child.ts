import { parseConfig } from '../../agent/config.ts'
import { createIdentityStore } from '../../agent/link/identity.ts'
import { runLink } from '../../agent/link/link.ts'
import { openLinkStore } from '../../agent/link/store.ts'
import { createLogger } from '../../agent/logger.ts'
import { createTestLook } from './look.ts'
import { openGuard } from './open-guard.ts'

// An agent as a process of its own, to be killed while it looks at a repository.
const config = parseConfig(process.env)
const store = openLinkStore(config.directory, config.spoolLimitBytes)
const stopping = new AbortController()
process.on('SIGTERM', () => stopping.abort())
process.stdout.write('ready\n')
await runLink(
  {
    store,
    identities: createIdentityStore(config.directory),
    handlers: {},
    look: createTestLook(config.directory, config.gitRoots),
    guard: openGuard,
    inventory: async () => ({ cpuCount: 1 }),
    agentVersion: 'test',
    servers: config.servers,
    shutdownGraceMs: config.shutdownGraceMs,
    log: createLogger(config.logLevel),
  },
  stopping.signal,
)
store.close()
