import { withHostileDatabase } from '../database/hostile-database.ts'
import { lookUpOdooTables } from '../database/odoo-tables.ts'
import type { AgentServices } from '../services.ts'
import { neutralityOf } from '../storage/neutrality.ts'
import type { Cell } from '../storage/records.ts'

interface Remembered {
  readonly secretSha256: string | undefined
  readonly productionHosts: readonly string[]
}

/**
 * Puts on record what must not be in a copy, while the raw copy still has it: the hash of production's `database.secret`,
 * and the host names that production has for its own, with those that the server knows.
 */
export async function rememberProduction(
  { cells }: Pick<AgentServices, 'cells'>,
  cell: Cell,
  hostnames: readonly string[],
  signal: AbortSignal,
): Promise<Remembered> {
  const { state, ...known } = neutralityOf(cell)
  const complete = state !== 'raw' || (known.secretSha256 && known.productionHosts)
  const read = complete ? {} : await readProduction(cell, signal)
  const productionHosts = [
    ...new Set([
      ...(known.productionHosts ?? []),
      ...(read.productionHosts ?? []),
      ...hostnames.flatMap(findHost),
    ]),
  ].slice(0, mostHosts)
  const secretSha256 = known.secretSha256 ?? read.secretSha256
  if (secretSha256 === known.secretSha256 && productionHosts.length === known.productionHosts?.length)
    return { secretSha256, productionHosts }
  await cells.note(
    cell.id,
    (now) => ({
      neutrality: { ...neutralityOf(now), productionHosts, ...(secretSha256 && { secretSha256 }) },
    }),
    signal,
  )
  return { secretSha256, productionHosts }
}

const mostHosts = 100

function readProduction(cell: Cell, signal: AbortSignal): Promise<Partial<Remembered>> {
  return withHostileDatabase(
    cell,
    async (database) => {
      const tables = await lookUpOdooTables(database, ['ir_config_parameter', 'website'])
      const parameters = tables.require('ir_config_parameter', 'key', 'value')
      const { rows: secrets } = await database.query<{ sha256: string }>(
        `select encode(sha256(convert_to(value, 'UTF8')), 'hex') as sha256 from ${parameters} where key = 'database.secret'`,
      )
      const websites = tables.findPlain('website', 'domain')
      const { rows: addresses } = await database.query<{ address: string | null }>(
        `select left(value, 1000) as address from ${parameters} where key in ('web.base.url', 'report.url')
         ${websites ? `union all (select left(domain, 1000) from ${websites} limit ${mostHosts})` : ''}`,
      )
      return {
        secretSha256: secrets[0]?.sha256,
        productionHosts: addresses.flatMap(({ address }) => findHost(address ?? '')),
      }
    },
    { signal },
  )
}

/** The host name of an address (with its scheme or without), as browsers write it; none where it is this machine itself. */
export function findHost(address: string): string[] {
  const text = address.trim()
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  const host = url?.hostname.replace(/\.$/, '') ?? ''
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(host) || host.length > 253) return []
  return /^(localhost|127\..*|0\.0\.0\.0)$/.test(host) ? [] : [host]
}
