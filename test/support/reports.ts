import { expect } from 'vitest'
import { type CliResult, runCli } from './cli.ts'
import { insert } from './postgres.ts'
import { startTestServer, type TestServer } from './server.ts'
import { arrangeTenant, type Tenant } from './tenant.ts'

/** The project `shop` of an organization with people of several roles; another organization has `elsewhere`. */
export interface ReportedShop {
  readonly server: TestServer
  readonly shop: Tenant
  /** Ids of members by name: ana (owner), ben (release manager), dora (developer), max (plain member). */
  readonly members: ReadonlyMap<string, string>
  /** Writes a row of the organization's behind the server's back; gives its id. */
  put(table: string, row: Record<string, unknown>): Promise<string>
  /** `fairway report …`, as ana or as whoever's token it is. */
  report(words: readonly string[], token?: string): Promise<CliResult>
  /** The same as JSON. */
  reported<Row>(...words: string[]): Promise<Row[]>
  /** A token of the member's. */
  tokenOf(name: string): string
}

export async function arrangeReportedShop(): Promise<ReportedShop> {
  const server = await startTestServer()
  const acme = await server.createTenant('acme')
  const other = await server.createTenant('other')
  await arrangeTenant(server.context, other.organizationId, 'elsewhere')
  const shop = await arrangeTenant(server.context, acme.organizationId, 'shop')
  const tokens = new Map([['ana', acme.token]])
  for (const [name, role] of [
    ['ben', 'release-manager'],
    ['dora', 'developer'],
    ['max', 'member'],
  ] as const) {
    tokens.set(name, await server.createMember(acme.organizationId, name, role))
  }
  const rows = await shop.scope((tx) => tx.selectFrom('members').select(['id', 'name']).execute())
  const tokenOf = (name: string) => tokens.get(name) ?? ''
  const report = (words: readonly string[], token = tokenOf('ana')) =>
    runCli(['report', ...words], { FAIRWAY_SERVER: server.url, FAIRWAY_TOKEN: token })
  return {
    server,
    shop,
    members: new Map(rows.map(({ id, name }) => [name, id])),
    put: (table, row) =>
      insert(server.database.ownerUrl, table, { organization_id: acme.organizationId, ...row }),
    report,
    async reported(...words) {
      const { code, stdout, stderr } = await report([...words, '--json'])
      expect(stderr).toBe('')
      expect(code).toBe(0)
      return JSON.parse(stdout)
    },
    tokenOf,
  }
}
