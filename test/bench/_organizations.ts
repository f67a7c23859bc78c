import pg from 'pg'
import { createToken } from '../../server/services/tokens/tokens.ts'

export interface Viewer {
  readonly who: string
  readonly token: string
  readonly projects: 'all' | readonly string[]
}

export interface Filled {
  /** The organization with the most runs. */
  readonly organizationId: string
  /** One of its projects, which all viewers see. */
  readonly project: string
  readonly viewers: readonly Viewer[]
}

/**
 * Five organizations with 20 projects each: 100,000 runs in the one, 10,000 in each of the others, interleaved in time
 * and so on disk, over three months; two audit events for each run.
 */
export async function fillOrganizations(ownerUrl: string): Promise<Filled> {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  try {
    await client.query(`
      insert into organizations (name) select 'org-' || n from generate_series(1, 5) n;
      insert into projects (organization_id, name, repository_url, repository_slug, branch_rules, webhook_secret_sealed)
        select o.id, 'project-' || n, 'https://git.example/' || o.name || '/' || n, o.name || '/' || n, '[]', ''
        from organizations o, generate_series(1, 20) n;
      insert into branches (organization_id, project_id, name, stage)
        select organization_id, id, case n when 1 then 'main' else 'feature/' || n end,
          case n when 1 then 'production' else 'development' end
        from projects, generate_series(1, 10) n;
      insert into environments (organization_id, project_id, branch_id, name, stage, status, created_at)
        select organization_id, project_id, id, replace(name, '/', '-'), stage, 'running',
          now() - interval '1 minute' * row_number() over (order by name, id)
        from branches;`)
    await client.query(`
      with due as (
        select o.id as organization_id, n, row_number() over (order by n, o.name) as place
        from organizations o, generate_series(1, 100000) n
        where o.name = 'org-1' or n % 10 = 0
      ), branch as (
        select b.*, e.id as environment_id,
          row_number() over (partition by b.organization_id order by b.name, b.project_id) - 1 as slot
        from branches b join environments e on e.branch_id = b.id
      )
      insert into runs (organization_id, project_id, branch_id, environment_id, kind, number, stage, commit,
          commit_message, trigger, requested_by, status, result, record, advance_at, created_at, started_at, finished_at)
        select d.organization_id, b.project_id, b.id, b.environment_id, case when n % 5 = 0 then 'start' else 'build' end,
          case when n % 5 = 0 then null else n end, b.stage, md5(n::text), 'Change number ' || n, 'push', 'github',
          case when n % 7 = 0 then 'failed' else 'succeeded' end, case when n % 7 = 0 then 'red' else 'green' end,
          json_build_object('digest', 'sha256:' || md5(n::text), 'url', 'https://' || b.name, 'modules',
            (select json_agg('module_' || m) from generate_series(1, 10) m)),
          null, start, start, start + interval '5 minutes'
        from due d
        join branch b on b.organization_id = d.organization_id and b.slot = (hashint8(d.n) & 2147483647) % 200
        cross join lateral (select now() - interval '90 days' * (1 - place / 140000.0) as start) t
        order by place`)
    await client.query(`
      insert into audit_events (organization_id, actor, action, subject_kind, subject_id, project_id, details, created_at)
        select organization_id, 'github', action, 'run', id::text, project_id, json_build_object('commit', commit), created_at
        from (select * from runs order by created_at) r, unnest(array['build.start', 'build.end']) action`)
    await client.query(`
      insert into audit_leaves (organization_id, index, event_id, leaf_hash)
        select organization_id, row_number() over (partition by organization_id order by id) - 1, id, sha256(id::text::bytea)
        from audit_events order by id`)
    const filled = await addViewers(client)
    await client.query('vacuum analyze')
    return filled
  } finally {
    await client.end()
  }
}

/** An owner, and a member who is auditor in 3 of the 20 projects. */
async function addViewers(client: pg.Client): Promise<Filled> {
  const { rows } = await client.query<{ organization_id: string; id: string; name: string }>(
    `select p.organization_id, p.id, p.name from projects p join organizations o on o.id = p.organization_id
     where o.name = 'org-1' order by p.name limit 3`,
  )
  const organizationId = rows[0]!.organization_id
  const add = async (who: string, role: string, projects: Viewer['projects']): Promise<Viewer> => {
    const { token, hash } = createToken('ft_')
    await client.query(
      `with member as (
         insert into members (organization_id, name, role) values ($1, $2, $3) returning id
       ), given as (
         insert into project_members (organization_id, project_id, member_id, role, given_by)
           select $1, project, member.id, 'auditor', 'bench' from member, unnest($5::uuid[]) project
       )
       insert into tokens (organization_id, member_id, name, token_hash) select $1, id, 'bench', $4 from member`,
      [organizationId, who, role, hash, projects === 'all' ? [] : projects],
    )
    return { who, token, projects }
  }
  const some = rows.map(({ id }) => id)
  return {
    organizationId,
    project: rows[0]!.name,
    viewers: [await add('owner', 'owner', 'all'), await add('member of 3', 'member', some)],
  }
}
