import pg from 'pg'

export interface Size {
  /** Runs that have ended, two thirds of them builds; each with a step, a task, a log stream, a lock, events, … */
  readonly runs: number
  /** Living ones, 20 in a project; one was destroyed for each 20 runs. */
  readonly environments: number
}

/** One organization after years of work, as its busiest project is asked about. */
export interface History {
  readonly organizationId: string
  readonly hostId: string
  readonly projectId: string
  readonly project: string
  /** Which a quarter of the project's runs were for. */
  readonly branch: string
  readonly branchId: string
  readonly environmentId: string
  readonly cellId: string
}

/** What grows with time: a question that is asked all the time reads little of it. */
export const growing = [
  'runs',
  'steps',
  'tasks',
  'effects',
  'artifacts',
  'log_streams',
  'cells',
  'snapshots',
  'approvals',
  'authorizations',
  'releases',
  'statements',
  'audit_events',
  'audit_leaves',
  'branches',
  'environments',
] as const

const perProject = 20

/**
 * Writes it as the owner, who has to be a superuser: references are not checked one by one, which takes most of the time
 * for millions of rows. Ends with statistics, by which PostgreSQL plans.
 */
export async function fillHistory(ownerUrl: string, { runs, environments }: Size): Promise<History> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  try {
    await client.query(`set session_replication_role = replica; set synchronous_commit = off`)
    for (const statement of [...placesOf(runs, environments), ...eventsOf(runs)])
      await client.query(statement)
    await client.query('vacuum analyze')
    return await busiest(client)
  } finally {
    await client.end()
  }
}

/** The organization, a host, projects with their branches, environments and cells. */
function placesOf(runs: number, environments: number): string[] {
  const projects = Math.max(1, Math.round(environments / perProject))
  const branches = perProject + Math.round(runs / 20 / projects)
  return [
    `insert into organizations (name) values ('history')`,
    `insert into hosts (organization_id, name, status) select id, 'one', 'online' from organizations`,
    `insert into signing_keys (organization_id, purpose, algorithm, public_key, private_sealed, valid_until)
       select id, 'statements', 'ecdsa-p256', '', '', now() from organizations`,
    `insert into projects (organization_id, name, repository_url, repository_slug, branch_rules, webhook_secret_sealed, next_build_number)
       select id, 'project-' || n, 'https://git.example/h/' || n, 'h/' || n,
         '[{"pattern": "main", "stage": "production"}, {"pattern": "*", "stage": "development"}]', '', ${runs + 1}
       from organizations, generate_series(1, ${projects}) n`,
    `insert into branches (organization_id, project_id, name, stage, deleted_at)
       select organization_id, id, case n when 1 then 'main' else 'feature-' || n end,
         case n when 1 then 'production' else 'development' end, case when n > ${perProject} then now() end
       from projects, generate_series(1, ${branches}) n`,
    `insert into environments (organization_id, project_id, branch_id, name, stage, status, host_id, cell_id, deployment, destroyed_at)
       select b.organization_id, b.project_id, b.id, b.name, b.stage,
         case when b.deleted_at is null then 'running' else 'destroyed' end, h.id, gen_random_uuid(),
         case b.stage when 'development' then json_build_object('digest', 'sha256:' || md5(b.id::text) || md5(b.id::text),
           'runId', gen_random_uuid()) end, b.deleted_at
       from branches b, hosts h`,
    `insert into cells (id, organization_id, project_id, environment_id, host_id, status, stage, passwords_looked_at)
       select cell_id, organization_id, project_id, id, host_id,
         case status when 'running' then 'active' else 'destroyed' end, stage, now() from environments`,
  ]
}

/** What happened, oldest first, in the last 90 days: a quarter of it to the branch main of each project. */
const eventsOf = (runs: number): string[] => [
  `create temp table places as
     select e.id, e.organization_id, e.project_id, e.branch_id, e.stage, e.host_id, e.cell_id, e.name,
       row_number() over (order by e.project_id, e.stage <> 'production', e.name) - 1 as slot
     from environments e;
   create unique index on places (slot); analyze places`,
  `insert into runs (organization_id, project_id, branch_id, environment_id, kind, number, stage, commit, trigger,
       requested_by, status, result, record, host_id, advance_at, created_at, started_at, finished_at)
     select p.organization_id, p.project_id, p.branch_id, p.id, r.kind, case r.kind when 'build' then n end, p.stage,
       md5(n::text), 'push', 'github', case when n % 7 = 0 then 'failed' else 'succeeded' end,
       case when n % 7 = 0 then 'red' else 'green' end,
       json_build_object('digest', 'sha256:' || md5(n::text) || md5(n::text), 'image', 'registry/h/' || p.project_id || '@sha256:' || md5(n::text),
         'imageBuilt', n % 3 = 0, 'planSha256', md5(n::text), 'url', 'https://' || p.name),
       p.host_id, null, r.at, r.at, r.at + interval '5 minutes'
     from generate_series(1, ${runs}) n
     cross join lateral (select
         case when n % 5 = 0 then 'start' when n % 11 = 0 then 'rehearse' when n % 13 = 0 then 'inspect' else 'build' end as kind,
         now() - interval '90 days' * (1 - n / ${runs + 1}.0) as at) r
     cross join (select count(*) as all, count(*) / count(*) filter (where stage = 'production') as of_project from places) sizes
     join places p on p.slot = (case when n % 4 = 0 then sizes.of_project * (n / 4) else hashint8(n) & 2147483647 end) % sizes.all`,
  `insert into steps (organization_id, run_id, name, position, status) select organization_id, id, 'resolve', 0, 'succeeded' from runs`,
  `insert into tasks (organization_id, run_id, step_id, host_id, key, kind, spec, status, epoch, timeout_ms, created_at)
     select r.organization_id, r.id, s.id, r.host_id, 'resolve', 'resolve', '{}', 'succeeded', 1, 60000, r.created_at
     from runs r join steps s on s.run_id = r.id`,
  `insert into log_streams (organization_id, project_id, host_id, run_id, task_id, epoch, step, closed, created_at)
     select r.organization_id, r.project_id, r.host_id, r.id, t.id, 1, 'resolve', true, r.created_at
     from runs r join tasks t on t.run_id = r.id`,
  `insert into effects (organization_id, run_id, key, value) select organization_id, id, 'source', '{}' from runs`,
  `insert into artifacts (organization_id, run_id, name, media_type, sha256, size_bytes)
     select organization_id, id, 'lock.json', 'application/json', md5(id::text) || md5(id::text), 1 from runs`,
  `insert into statements (organization_id, project_id, run_id, name, predicate_type, subjects, bundle_sha256, signing_key_id)
     select r.organization_id, r.project_id, r.id, 'run', 'x', '[]', md5(r.id::text), k.id from runs r, signing_keys k`,
  `insert into approvals (organization_id, project_id, environment_id, action, status, summary, subject, subject_sha256,
       run_id, requested_by, rule, policy_version, expires_at, created_at)
     select organization_id, project_id, environment_id, 'production-deploy', 'used', '', '{}', md5(id::text), id, 'github',
       '{}', 0, created_at, created_at from runs where number % 4 = 0`,
  `insert into authorizations (organization_id, project_id, environment_id, action, subject_sha256, basis, approval_id, run_id, policy_version)
     select organization_id, project_id, environment_id, action, subject_sha256, 'approval', id, run_id, 0 from approvals`,
  `insert into cells (organization_id, project_id, environment_id, host_id, status, stage, created_at, destroyed_at)
     select organization_id, project_id, environment_id, host_id, 'destroyed', stage, created_at, finished_at from runs`,
  `insert into snapshots (organization_id, project_id, cell_id, host_id, purpose, status, run_id, created_at)
     select r.organization_id, r.project_id, p.cell_id, r.host_id, 'prepared', 'destroyed', r.id, r.created_at
     from runs r join places p on p.id = r.environment_id where number % 3 = 0`,
  // What is kept for evidence is asked for when images are collected: the rest is older than that.
  `insert into releases (organization_id, project_id, environment_id, run_id, number, digest, build_number, deployment, went_live_at)
     select organization_id, project_id, environment_id, id, row_number() over (partition by environment_id order by number),
       'sha256:' || md5(number::text) || md5(number::text), number, '{}', created_at - interval '20 years'
     from runs where number is not null and stage = 'production'`,
  `insert into audit_events (organization_id, actor, action, subject_kind, subject_id, project_id, created_at)
     select organization_id, case when mod(number, 10) = 1 then 'member:ana' else 'github' end, action, 'run', id::text, project_id, created_at
     from (select * from runs order by created_at) r, unnest(array['build.start', 'run.end']) action`,
  `insert into audit_leaves (organization_id, index, event_id, leaf_hash)
     select organization_id, row_number() over (order by id) - 1, id, '' from audit_events`,
]

async function busiest(client: pg.Client): Promise<History> {
  const { rows } = await client.query<History>(
    `select p.organization_id as "organizationId", p.host_id as "hostId", p.project_id as "projectId", projects.name as project,
       p.name as branch, p.branch_id as "branchId", p.id as "environmentId", p.cell_id as "cellId"
     from places p join projects on projects.id = p.project_id where p.stage = 'production' order by p.slot limit 1`,
  )
  return rows[0]!
}
