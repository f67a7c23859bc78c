import { randomBytes, randomUUID } from 'node:crypto'
import type pg from 'pg'
import { asRole } from './scope.ts'

type Insert = (table: string, values: Record<string, unknown>) => Promise<void>

const insertInto =
  (client: pg.Client, organization_id: string): Insert =>
  async (table, values) => {
    const row: Record<string, unknown> = table === 'organizations' ? values : { organization_id, ...values }
    const columns = Object.keys(row)
    const places = columns.map((_, index) => `$${index + 1}`)
    await client.query(
      `insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`,
      Object.values(row),
    )
  }

const sha256 = '0'.repeat(64)

/** A row in every table, as fairway_app of that organization writes them. */
export async function seedTenant(appUrl: string, name: string): Promise<string> {
  const organization_id = randomUUID()
  await asRole(
    appUrl,
    organization_id,
    async (client) => {
      const insert = insertInto(client, organization_id)
      await insert('organizations', { id: organization_id, name })
      await seedOrganization(insert)
      await seedProject(client, organization_id, 'shop')
      await seedAuditTree(client, insert)
    },
    true,
  )
  return organization_id
}

async function seedOrganization(insert: Insert): Promise<void> {
  const member_id = randomUUID()
  const host_id = randomUUID()
  await insert('members', { id: member_id, name: 'ana', role: 'owner' })
  await insert('tokens', { member_id, name: 'one', token_hash: randomBytes(32) })
  await insert('hosts', { id: host_id, name: 'one' })
  await insert('join_tokens', { token_hash: randomBytes(32), expires_at: new Date() })
  await insert('pools', { host_id, name: 'main', driver: 'copy' })
  await insert('login_codes', { member_id, code_hash: randomBytes(32), expires_at: new Date() })
  await insert('member_recoveries', { member_id, requested_by: 'member:ana', expires_at: new Date() })
  await insert('data_keys', { version: 1, key_sealed: randomBytes(8) })
  await insert('signing_keys', {
    purpose: 'statements',
    algorithm: 'ecdsa-p256',
    public_key: '',
    private_sealed: randomBytes(8),
  })
}

/** A row in each table that belongs to projects, for a tenant that has its other rows; gives the project's id. */
export async function seedProject(client: pg.Client, organization_id: string, name: string): Promise<string> {
  const insert = insertInto(client, organization_id)
  const existing = await client.query(
    `select m.id as member_id, h.id as host_id, k.id as data_key_id, s.id as signing_key_id
     from members m, hosts h, data_keys k, signing_keys s`,
  )
  const { member_id, host_id, data_key_id, signing_key_id } = existing.rows[0]
  const project_id = randomUUID()
  const branch_id = randomUUID()
  const environment_id = randomUUID()
  const run_id = randomUUID()
  const step_id = randomUUID()
  const task_id = randomUUID()
  const cell_id = randomUUID()
  const stream_id = randomUUID()
  const approval_id = randomUUID()
  const secret_id = randomUUID()
  await insert('projects', {
    id: project_id,
    name,
    repository_url: 'https://git.example/a/b',
    repository_slug: 'a/b',
    branch_rules: '[]',
    webhook_secret_sealed: randomBytes(8),
  })
  await insert('project_names', { project_id, name })
  await insert('branches', { id: branch_id, project_id, name: 'main', stage: 'production' })
  await insert('environments', {
    id: environment_id,
    project_id,
    branch_id,
    name: 'production',
    stage: 'production',
  })
  await insert('runs', {
    id: run_id,
    project_id,
    environment_id,
    kind: 'build',
    trigger: 'push',
    requested_by: 'test',
  })
  await insert('releases', {
    project_id,
    environment_id,
    run_id,
    number: 1,
    digest: `sha256:${sha256}`,
    build_number: 1,
    deployment: '{}',
  })
  await insert('steps', { id: step_id, run_id, name: 'resolve', position: 0 })
  await insert('tasks', {
    id: task_id,
    run_id,
    step_id,
    host_id,
    key: 'one',
    kind: 'resolve',
    spec: '{}',
    timeout_ms: 1,
  })
  await insert('effects', { run_id, key: 'one' })
  await insert('cells', {
    id: cell_id,
    project_id,
    environment_id,
    host_id,
    stage: 'production',
  })
  await insert('snapshots', { project_id, cell_id, host_id, purpose: 'safety' })
  await insert('artifacts', { run_id, name: 'lock', media_type: 'text/plain', sha256, size_bytes: 1 })
  await insert('log_streams', { id: stream_id, project_id, host_id, run_id, task_id })
  await insert('log_segments', {
    stream_id,
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
  await insert('webhook_refusals', {
    project_id,
    forge: 'github',
    reason: 'signature',
    event: 'push',
    repository: 'acme/odoo',
    explanation: 'another secret',
    refusals: 1,
    first_refused_at: new Date(),
    last_refused_at: new Date(),
  })
  await insert('ignored_pushes', {
    project_id,
    branch: 'master',
    reason: 'no-branch-rule',
    explanation: 'no rule',
    commit: '0'.repeat(40),
    pushed_by: 'github:ben',
  })
  await insert('repository_looks', {
    project_id,
    host_id,
    url: 'https://git.example/a/b',
    asked_by: 'member:ana',
    expires_at: new Date(),
  })
  await insert('repository_polls', { project_id, every_seconds: 300, set_by: 'member:ana' })
  await insert('project_members', { project_id, member_id, role: 'developer', given_by: 'test' })
  await insert('grants', {
    project_id,
    member_id,
    permission: 'shell',
    granted_by: 'test',
    expires_at: new Date(),
  })
  await insert('policies', {
    project_id,
    version: 1,
    source: '',
    document: '{}',
    sha256,
    set_by: 'test',
  })
  await insert('approvals', {
    id: approval_id,
    project_id,
    environment_id,
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
  await insert('approval_votes', { approval_id, member_id, decision: 'approve' })
  await insert('authorizations', {
    project_id,
    environment_id,
    action: 'production-deploy',
    subject_sha256: sha256,
    basis: 'approval',
    approval_id,
    run_id,
    policy_version: 1,
  })
  await insert('secrets', { id: secret_id, project_id, name: 'ONE', current_version: 1 })
  await insert('secret_versions', {
    secret_id,
    version: 1,
    data_key_id,
    value_sealed: randomBytes(8),
    set_by: 'test',
  })
  await insert('statements', {
    project_id,
    run_id,
    name: 'deploy',
    predicate_type: 'test',
    subjects: '[]',
    bundle_sha256: sha256,
    signing_key_id,
  })
  await insert('evidence_bundles', { project_id, run_id, sha256, size_bytes: 1 })
  return project_id
}

async function seedAuditTree(client: pg.Client, insert: Insert): Promise<void> {
  const event = await client.query('select id from audit_events')
  await insert('audit_leaves', { index: 0, event_id: event.rows[0].id, leaf_hash: randomBytes(32) })
  await insert('audit_nodes', { level: 1, index: 0, hash: randomBytes(32) })
  await insert('audit_checkpoints', { size: 1, root: randomBytes(32), note: '' })
  await insert('audit_witnesses', { name: 'blobs', size: 1 })
}
