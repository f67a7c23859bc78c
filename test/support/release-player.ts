import { writeFile } from 'node:fs/promises'
import { connect } from '../../cli/client.ts'
import { callOdoo } from '../../packaging/dev/demo/odoo-client.ts'
import { ReleaseService } from '../../proto/gen/fairway/v1/releases_pb.js'
import { type ReleaseRunName, releaseRuns } from '../faults/release-steps.ts'
import type { ReleaseShop, Version } from './release-shop.ts'
import { waitFor } from './wait-for.ts'

/** What production is: which code, and which data. */
export interface Production {
  readonly version: Version
  /** Names of the partners that people have written. */
  readonly partners: readonly string[]
}

export interface Ended {
  readonly status: string
  readonly reason: string
}

/**
 * Starts runs on a shop and remembers what each has to leave: the end of one is where the next begins, so that none needs
 * a production of its own.
 */
export interface ReleasePlayer {
  /** As the runs that have ended must have left it. */
  readonly now: Production
  /** Brings production to where such a run can begin. */
  prepare(name: ReleaseRunName): Promise<void>
  /** Somebody writes something, and then the run starts; gives its id. */
  begin(name: ReleaseRunName): Promise<string>
  /** Until the run that was begun has ended. */
  ended(): Promise<Ended>
  /** Puts the newest safety snapshot back by hand, after a run that was given up. */
  restore(): Promise<void>
}

const endsWithinMs = 300_000
const promotion = 'a promotion that updates modules'
const failing = 'a promotion whose update fails'
const sameModules = 'a promotion that updates no module'

export function createReleasePlayer(shop: ReleaseShop): ReleasePlayer {
  const { stack, query } = shop.test
  let now: Production = { version: 'plain', partners: [] }
  /** What a rollback finds: production before the last release; undefined: that one changed no data. */
  let former: Production | undefined
  /** Whether there is a snapshot that nobody will need after the next release. */
  let prunable = false
  let begun: { runId: string; name: ReleaseRunName; after: Production; former: Production | undefined }
  let written = 0

  async function write(): Promise<void> {
    const name = `Kept ${++written}`
    await callOdoo(shop, 'res.partner', 'create', [{ name }])
    now = { ...now, partners: [...now.partners, name] }
  }

  function candidateOf(name: ReleaseRunName): Version {
    if (name === sameModules) return now.version === 'plain' ? 'extra' : 'plain'
    return now.version === 'badge' ? 'plain' : 'badge'
  }

  async function start(name: ReleaseRunName, version: Version): Promise<{ runId: string }> {
    const client = connect(await stack.credentials(), { insecureHttp: false })(ReleaseService)
    const candidate = { project: 'shop', branch: `release/${version}` }
    switch (name) {
      case 'a rehearsal':
        return client.rehearseRelease(candidate)
      case failing:
        await writeFile(stack.path('fail-update'), 'yes', { mode: 0o600 })
        await stack.cli('secret', 'set', ...secret, '--from-file', stack.path('fail-update'))
        return client.promoteRelease(candidate)
      case promotion:
      case sameModules:
        return client.promoteRelease(candidate)
      case 'a rollback that leaves the data':
        return client.startRollback({ project: 'shop', force: true })
      case 'a rollback with data':
        return client.startRollback({ project: 'shop', withData: true })
    }
  }

  function afterOf(name: ReleaseRunName, version: Version): Production {
    if (!name.startsWith('a rollback')) return { ...now, version }
    if (!former) throw new Error(`${name} was not prepared`)
    return name === 'a rollback with data' ? former : { ...now, version: former.version }
  }

  function isReady(name: ReleaseRunName): boolean {
    if (name === sameModules) return now.version !== 'badge'
    if (name.startsWith('a rollback') && !former) return false
    return prunable || !releaseRuns[name].tasks.some((task) => task === 'prune')
  }

  const player: ReleasePlayer = {
    get now() {
      return now
    },
    async prepare(name) {
      if (isReady(name)) return
      await player.begin(promotion)
      const { status, reason } = await player.ended()
      if (status !== 'succeeded') throw new Error(`${promotion}: ${status}, ${reason}`)
    },
    async begin(name) {
      await write()
      const version = candidateOf(name)
      const after = name === 'a rehearsal' ? now : afterOf(name, version)
      const { runId } = await start(name, version)
      const kept = name === 'a rehearsal' ? former : name === sameModules ? undefined : now
      begun = { runId, name, after, former: kept }
      return runId
    },
    async ended() {
      const text = 'select status, reason from runs where id = $1 and finished_at is not null'
      const found = async () => (await query<Ended>(text, [begun.runId]))[0]
      const ended = await waitFor(`${begun.name} ends`, found, endsWithinMs)
      if (begun.name === failing) await stack.cli('secret', 'delete', ...secret, '--yes')
      prunable ||= releaseRuns[begun.name].tasks.some((task) => task === 'snapshot:safety')
      if (ended.status === 'succeeded') {
        now = begun.after
        former = begun.former
      }
      return ended
    },
    async restore() {
      await stack.cli('release', 'restore', 'shop', '--yes')
      // What a rollback goes back to is another story now.
      former = undefined
    },
  }
  return player
}

const secret = ['shop', 'FAIL_UPDATE', '--env', 'production'] as const
