import { join } from 'node:path'
import { explainListenFault } from '../lib/addresses/listen-fault.ts'
import { makePrivateDirectory } from '../lib/files/make-private-directory.ts'
import { formatTime } from '../lib/words/times.ts'
import { createApp } from './app.ts'
import { createFileBlobs } from './blobs/store.ts'
import { type Config, parseConfig } from './config.ts'
import type { AppContext } from './context.ts'
import { openControlPlaneDatabase } from './db/open.ts'
import { listenForSignals } from './db/signals.ts'
import { messageOf } from './errors.ts'
import { startSequencer } from './evidence/audit/sequencer.ts'
import { openAuthority } from './fleet/authority.ts'
import { startFleet } from './fleet/fleet.ts'
import { startPolling } from './forges/polling/polling.ts'
import { housekeeping } from './housekeeping.ts'
import { startJobs } from './jobs/jobs.ts'
import { createLogger } from './logger.ts'
import { readMasterKey } from './master-key.ts'
import { operations } from './operations/registry.ts'
import { rekey } from './rekey.ts'
import { startScheduler } from './runs/scheduler.ts'
import { createSealer } from './sealer.ts'
import { adminCodeFile, type Bootstrapped, bootstrap } from './services/identity/bootstrap.ts'
import { createShutdown, StoppedWhileStarting } from './shutdown.ts'
import { version } from './version.ts'

const help = `fairway-server: Fairway's control plane

  fairway-server
      Serves until SIGTERM. Settings are in the environment: docs/configuration.md has all of them.
  fairway-server rekey --new-key-file FILE
      Seals everything under another master key, while no server runs.
  fairway-server images build|push --registry HOST[/PREFIX]
      Builds what hosts run, and pushes it to a registry. More: fairway-server images --help
  fairway-server --version | --help
`

/** Agents reconnect by themselves; a stream that has not ended by then is cut. */
const fleetGraceMs = 3_000

/** From the environment to a listening server. What it opens is closed in reverse, also when the start fails. */
async function main(): Promise<void> {
  const [command, ...args] = process.argv.slice(2)
  if (command === '--help' || command === '-h') return void process.stdout.write(help)
  if (command === '--version') return void process.stdout.write(`${version}\n`)
  const config = parseConfig(process.env)
  const log = createLogger(config.logLevel)
  if (command === 'rekey') return void process.stdout.write(`${await rekey(config, args, log)}\n`)
  if (command) throw new Error(`${command} is no command of the server.\n\n${help}`)
  for (const warning of config.warnings) log.warn({ warning }, 'the configuration is not well')
  const shutdown = createShutdown(log)
  const stopping = new AbortController()
  const stop = () => {
    stopping.abort()
    return shutdown.run()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)

  try {
    makePrivateDirectory(config.dataDir)
    const sealer = createSealer(readMasterKey(config))
    const db = await openControlPlaneDatabase(config, sealer, log)
    shutdown.add({ name: 'database', deadlineMs: 20_000, run: () => db.close() })
    const signals = listenForSignals(db.listenUrl, (error) =>
      log.warn({ err: error }, 'signal connection lost'),
    )
    shutdown.add({ name: 'signals', deadlineMs: 2_000, run: () => signals.close() })
    const blobs = createFileBlobs(join(config.dataDir, 'blobs'))
    const context: AppContext = { config, log, db, blobs, signals, sealer }
    const { offer } = await bootstrap(context)

    const scheduler = startScheduler(context, operations)
    shutdown.add({ name: 'scheduler', deadlineMs: 10_000, run: () => scheduler.stop() })
    const jobs = startJobs(context, housekeeping(context))
    shutdown.add({ name: 'jobs', deadlineMs: 10_000, run: () => jobs.stop() })
    const sequencer = startSequencer(context)
    shutdown.add({ name: 'sequencer', deadlineMs: 10_000, run: () => sequencer.stop() })
    const polling = startPolling(context)
    shutdown.add({ name: 'polling', deadlineMs: 10_000, run: () => polling.stop() })
    const fleet = await startFleet(context, await openAuthority(context))
    shutdown.add({ name: 'fleet', deadlineMs: fleetGraceMs + 1_000, run: () => fleet.stop(fleetGraceMs) })
    const app = await createApp(context, stopping.signal)
    shutdown.add({ name: 'api', deadlineMs: 5_000, run: () => app.close() })
    const [host, port] = [config.apiListen, config.apiPort]
    const address = await app.listen({ host, port }).catch((error: unknown) => {
      const variables = { hostVariable: 'FAIRWAY_API_LISTEN', portVariable: 'FAIRWAY_API_PORT' }
      throw explainListenFault(error, { host, port, ...variables })
    })
    if (stopping.signal.aborted) throw new StoppedWhileStarting()
    log.info({ address }, 'fairway server ready')
    if (offer) printLogin(offer, config)
  } catch (error) {
    await stop()
    if (!(error instanceof StoppedWhileStarting)) throw error
    log.info('fairway server stopped while it was starting')
  }
}

/** For whoever started the server; its log is on the other stream. */
function printLogin({ code, expiresAt, member }: Required<Bootstrapped>['offer'], config: Config): void {
  process.stdout.write(
    `Log in as ${member}, once, until ${formatTime(expiresAt)}: ` +
      `fairway login --server ${config.publicUrl} --code ${code} (also in ${adminCodeFile(config.dataDir)})\n`,
  )
}

main().catch((error: unknown) => {
  process.stderr.write(`fairway server: ${messageOf(error)}\n`)
  process.exitCode = 1
})
