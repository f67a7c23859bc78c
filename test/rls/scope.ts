import pg from 'pg'

/** What a transaction's settings say; see server/db/tenancy.ts. */
export interface Scope {
  readonly organization: string
  /** Default: `system`, which needs no permission. */
  readonly role?: string
  readonly member?: string
  /** Default: all. */
  readonly projects?: readonly string[]
  readonly permission?: string
  /** Where that permission holds. Default: as `projects`. */
  readonly writes?: readonly string[]
}

const setting = (projects: readonly string[] | undefined) => (projects ? `{${projects.join(',')}}` : '*')

export async function enter(client: pg.Client, scope: Scope): Promise<void> {
  await client.query(
    `select set_config('fairway.organization', $1, true), set_config('fairway.role', $2, true),
       set_config('fairway.member', $3, true), set_config('fairway.projects', $4, true),
       set_config('fairway.permission', $5, true), set_config('fairway.writes', $6, true)`,
    [
      scope.organization,
      scope.role ?? 'system',
      scope.member ?? '',
      setting(scope.projects),
      scope.permission ?? '',
      setting(scope.writes ?? scope.projects),
    ],
  )
}

/** Runs statements as a role in one transaction that is rolled back, scoped if a scope or an organization is given. */
export async function asRole<T>(
  url: string,
  scope: Scope | string | undefined,
  fn: (client: pg.Client) => Promise<T>,
  keep = false,
): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('begin')
    if (scope) await enter(client, typeof scope === 'string' ? { organization: scope } : scope)
    const result = await fn(client)
    await client.query(keep ? 'commit' : 'rollback')
    return result
  } finally {
    await client.end()
  }
}
