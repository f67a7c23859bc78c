import { randomBytes, randomUUID } from 'node:crypto'
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

/** A row in every table, as fairway_app of that organization writes them. */
export async function seedTenant(appUrl: string, name: string): Promise<string> {
  const organization_id = randomUUID()
  await asRole(
    appUrl,
    organization_id,
    async (client) => {
      const insert = async (table: string, values: Record<string, unknown>) => {
        const row: Record<string, unknown> =
          table === 'organizations' ? values : { organization_id, ...values }
        const columns = Object.keys(row)
        const places = columns.map((_, index) => `$${index + 1}`)
        await client.query(
          `insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`,
          Object.values(row),
        )
      }
      const id = {
        member: randomUUID(),
        host: randomUUID(),
        project: randomUUID(),
        branch: randomUUID(),
        environment: randomUUID(),
        run: randomUUID(),
        step: randomUUID(),
        task: randomUUID(),
        cell: randomUUID(),
        stream: randomUUID(),
        approval: randomUUID(),
        dataKey: randomUUID(),
        secret: randomUUID(),
        signingKey: randomUUID(),
      }
      await insert('organizations', { id: organization_id, name })
      await insert('members', { id: id.member, name: 'ana', role: 'owner' })
      await insert('tokens', { member_id: id.member, name: 'one', token_hash: randomBytes(32) })
      await insert('hosts', { id: id.host, name: 'one' })
      await insert('join_tokens', { token_hash: randomBytes(32), expires_at: new Date() })
      await insert('pools', { host_id: id.host, name: 'main', driver: 'copy' })
      await insert('projects', {
        id: id.project,
        name: 'shop',
        repository_url: 'https://git.example/a/b',
        repository_slug: 'a/b',
        branch_rules: '[]',
        webhook_secret_sealed: randomBytes(8),
      })
      const project_id = id.project
      await insert('branches', { id: id.branch, project_id, name: 'main', stage: 'production' })
      await insert('environments', {
        id: id.environment,
        project_id,
        branch_id: id.branch,
        name: 'production',
        stage: 'production',
      })
      await insert('runs', {
        id: id.run,
        project_id,
        environment_id: id.environment,
        kind: 'build',
        trigger: 'push',
        requested_by: 'test',
      })
      const run_id = id.run
      await insert('steps', { id: id.step, run_id, name: 'resolve', position: 0 })
      await insert('tasks', {
        id: id.task,
        run_id,
        step_id: id.step,
        host_id: id.host,
        key: 'one',
        kind: 'resolve',
        spec: '{}',
        timeout_ms: 1,
      })
      await insert('effects', { run_id, key: 'one' })
      await insert('cells', {
        id: id.cell,
        project_id,
        environment_id: id.environment,
        host_id: id.host,
        stage: 'production',
      })
      await insert('snapshots', { project_id, cell_id: id.cell, host_id: id.host, purpose: 'safety' })
      const sha256 = '0'.repeat(64)
      await insert('artifacts', { run_id, name: 'lock', media_type: 'text/plain', sha256, size_bytes: 1 })
      await insert('log_streams', { id: id.stream, project_id, host_id: id.host, run_id, task_id: id.task })
      await insert('log_segments', {
        stream_id: id.stream,
        first_sequence: 1,
        last_sequence: 1,
        first_time: new Date(),
        last_time: new Date(),
        sha256,
        size_bytes: 1,
      })
      await insert('audit_events', {
        actor: 'test',
        action: 'test',
        subject_kind: 'test',
        subject_id: 'test',
        project_id,
      })
      await insert('webhook_deliveries', {
        project_id,
        delivery_id: 'one',
        event: 'push',
        outcome: 'push',
      })
      const member_id = id.member
      await insert('project_members', { project_id, member_id, role: 'developer', given_by: 'test' })
      await insert('grants', {
        project_id,
        member_id,
        permission: 'shell',
        granted_by: 'test',
        expires_at: new Date(),
      })
      await insert('login_codes', { member_id, code_hash: randomBytes(32), expires_at: new Date() })
      await insert('policies', {
        project_id,
        version: 1,
        source: '',
        document: '{}',
        sha256,
        set_by: 'test',
      })
      await insert('approvals', {
        id: id.approval,
        project_id,
        environment_id: id.environment,
        action: 'production-deploy',
        summary: 'one',
        subject: '{}',
        subject_sha256: sha256,
        run_id,
        requested_by: 'test',
        rule: '{}',
        policy_version: 1,
        expires_at: new Date(),
      })
      await insert('approval_votes', { approval_id: id.approval, member_id, decision: 'approve' })
      await insert('authorizations', {
        project_id,
        environment_id: id.environment,
        action: 'production-deploy',
        subject_sha256: sha256,
        basis: 'approval',
        approval_id: id.approval,
        run_id,
        policy_version: 1,
      })
      await insert('data_keys', { id: id.dataKey, version: 1, key_sealed: randomBytes(8) })
      await insert('secrets', { id: id.secret, project_id, name: 'ONE', current_version: 1 })
      await insert('secret_versions', {
        secret_id: id.secret,
        version: 1,
        data_key_id: id.dataKey,
        value_sealed: randomBytes(8),
        set_by: 'test',
      })
      const event = await client.query('select id from audit_events')
      await insert('audit_leaves', { index: 0, event_id: event.rows[0].id, leaf_hash: randomBytes(32) })
      await insert('audit_nodes', { level: 1, index: 0, hash: randomBytes(32) })
      await insert('audit_checkpoints', { size: 1, root: randomBytes(32), note: '' })
      await insert('audit_witnesses', { name: 'blobs', size: 1 })
      await insert('signing_keys', {
        id: id.signingKey,
        purpose: 'statements',
        algorithm: 'ecdsa-p256',
        public_key: '',
        private_sealed: randomBytes(8),
      })
      await insert('statements', {
        project_id,
        run_id,
        name: 'deploy',
        predicate_type: 'test',
        subjects: '[]',
        bundle_sha256: sha256,
        signing_key_id: id.signingKey,
      })
      await insert('evidence_bundles', { project_id, run_id, sha256, size_bytes: 1 })
    },
    true,
  )
  return organization_id
}
