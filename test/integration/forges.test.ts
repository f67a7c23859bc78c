import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createProject, pinProject } from '../../server/services/projects/projects.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { arrangeTenant, type Tenant } from '../support/tenant.ts'
import { deliverGithub, githubPush, post, pushedCommit } from '../support/webhooks.ts'

// What GitLab, Gitea, Forgejo and Bitbucket deliver, each as it writes and signs it.

let server: TestServer
let tenant: Tenant

beforeAll(async () => {
  server = await startTestServer()
  const { organizationId } = await server.createTenant('forges')
  tenant = await arrangeTenant(server.context, organizationId, 'shop')
}, 120_000)
afterAll(() => server?.close())

const none = '0'.repeat(40)
const hmac = (secret: string, body: string) => createHmac('sha256', secret).update(body).digest('hex')

interface Repository {
  readonly slug: string
  readonly id: number
  readonly owner: number
}
interface Told {
  readonly repository: Repository
  readonly ref: string
  readonly gone?: boolean
  readonly delivery?: string
}
interface Kind {
  readonly path: string
  readonly uid: (id: number) => string
  /** Body and headers as that forge makes them. */
  readonly tell: (secret: string, told: Told) => [body: string, headers: Record<string, string>]
}

const uuid = (id: number) => `{00000000-0000-4000-8000-${String(id).padStart(12, '0')}}`

const likeGitea =
  (prefix: 'gitea' | 'forgejo'): Kind['tell'] =>
  (secret, { repository, ref, gone, delivery = randomUUID() }) => {
    const body = JSON.stringify({
      ...(gone
        ? { ref: ref.replace(/^refs\/(heads|tags)\//, ''), ref_type: 'branch' }
        : { ref, after: pushedCommit, head_commit: { message: 'Sell more' } }),
      repository: {
        id: repository.id,
        full_name: repository.slug,
        owner: { id: repository.owner },
        default_branch: '19.0',
      },
      pusher: { login: 'ben', email: 'ben@example.org' },
    })
    const event = gone ? 'delete' : 'push'
    return [
      body,
      {
        [`x-${prefix}-event`]: event,
        [`x-${prefix}-delivery`]: delivery,
        [`x-${prefix}-signature`]: hmac(secret, body),
        // Gitea and Forgejo send the headers of GitHub as well, and are not to be taken for it.
        'x-github-event': event,
        'x-github-delivery': delivery,
        'x-hub-signature-256': `sha256=${hmac(secret, body)}`,
      },
    ]
  }

const kinds: Record<string, Kind> = {
  gitlab: {
    path: '/webhooks/gitlab',
    uid: (id) => `gitlab:${id}`,
    tell: (secret, { repository, ref, gone, delivery = randomUUID() }) => [
      JSON.stringify({
        object_kind: 'push',
        ref,
        after: gone ? none : pushedCommit,
        checkout_sha: gone ? null : pushedCommit,
        user_username: 'ben',
        user_email: '[REDACTED]',
        project_id: repository.id,
        project: {
          id: repository.id,
          // GitLab sends no id of the owner: the path of the group stands for it.
          path_with_namespace: repository.slug,
          default_branch: '19.0',
        },
        commits: [{ id: pushedCommit, message: 'Sell more' }],
      }),
      {
        'x-gitlab-event': ref.startsWith('refs/tags/') ? 'Tag Push Hook' : 'Push Hook',
        'x-gitlab-event-uuid': delivery,
        'x-gitlab-token': secret,
      },
    ],
  },
  gitea: { path: '/webhooks/gitea', uid: (id) => `gitea:${id}`, tell: likeGitea('gitea') },
  forgejo: { path: '/webhooks/forgejo', uid: (id) => `gitea:${id}`, tell: likeGitea('forgejo') },
  bitbucket: {
    path: '/webhooks/bitbucket',
    uid: (id) => `bitbucket:${uuid(id)}`,
    tell: (secret, { repository, ref, gone, delivery = randomUUID() }) => {
      const [, , type] = /^refs\/((heads)|tags)\//.exec(ref) ?? []
      const named = {
        type: type ? 'branch' : 'tag',
        name: ref.replace(/^refs\/(heads|tags)\//, ''),
        target: { hash: pushedCommit, message: 'Sell more' },
      }
      const body = JSON.stringify({
        actor: { nickname: 'ben' },
        repository: {
          full_name: repository.slug,
          uuid: uuid(repository.id),
          workspace: { uuid: uuid(repository.owner) },
          mainbranch: { name: '19.0' },
        },
        push: { changes: [{ old: named, new: gone ? null : named }] },
      })
      return [
        body,
        {
          'x-event-key': 'repo:push',
          'x-request-uuid': delivery,
          'x-hub-signature': `sha256=${hmac(secret, body)}`,
        },
      ]
    },
  },
}

let made = 0

async function arrange(kind: Kind, { groups = '', folder = '' } = {}) {
  const name = `f${++made}`
  const secret = `${name}-webhook-secret`
  await createProject(server.context, tenant.caller, {
    name,
    repositoryUrl: `https://git.example/${folder}${groups}${name}/odoo.git`,
    repositorySlug: '',
    odooVersion: '',
    branchRules: [],
    webhookSecret: secret,
  })
  const repository: Repository = { slug: `${groups}${name}/odoo`, id: 1_000 + made, owner: 7 }
  const tell = async (told: Partial<Told> & { secret?: string } = {}) => {
    const [body, headers] = kind.tell(told.secret ?? secret, {
      repository,
      ref: 'refs/heads/19.0',
      ...told,
    })
    return await post(server, kind.path, body, headers)
  }
  const project = () =>
    tenant.scope((tx) =>
      tx.selectFrom('projects').selectAll().where('name', '=', name).executeTakeFirstOrThrow(),
    )
  return { name, secret, repository, tell, project }
}

describe.each(Object.entries(kinds))('%s', (_, kind) => {
  test('starts a build once, of the default branch as production', async () => {
    const { tell, name, project, repository } = await arrange(kind)
    const delivery = randomUUID()
    const { status, answer } = await tell({ delivery })
    expect([status, answer.outcome]).toEqual([202, 'build-queued'])
    expect((await tell({ delivery })).answer.outcome).toBe('replayed')
    const run = await tenant.scope((tx) =>
      tx.selectFrom('runs').selectAll().where('id', '=', String(answer.runId)).executeTakeFirstOrThrow(),
    )
    expect(run).toMatchObject({
      stage: 'production',
      commit: pushedCommit,
      commit_message: 'Sell more',
      trigger: 'push',
    })
    expect(run.requested_by).toMatch(/^(gitlab|gitea|bitbucket):ben$/)
    expect(await project()).toMatchObject({
      name,
      repository_uid: kind.uid(repository.id),
      // Workflows of GitHub log in by this column, so the ids of other git servers must not be in it.
      github_repository_id: null,
    })
  })

  test('is refused with another secret, and with none', async () => {
    const { tell } = await arrange(kind)
    expect((await tell({ secret: 'somebody-elses-secret' })).status).toBe(401)
    expect((await tell({ secret: '' })).status).toBe(401)
  })

  test('says when a branch is gone, and builds no tags', async () => {
    const { tell } = await arrange(kind)
    await tell({ ref: 'refs/heads/feature/x' })
    expect((await tell({ ref: 'refs/heads/feature/x', gone: true })).answer.outcome).toBe('branch-deleted')
    expect((await tell({ ref: 'refs/tags/v1' })).answer).toMatchObject({ outcome: 'ignored' })
  })

  test('is followed by id under another name, and held to its owner', async () => {
    const { name, tell, project, repository } = await arrange(kind)
    await tell()
    const renamed = { ...repository, slug: `${name}/erp` }
    expect((await tell({ repository: renamed })).status).toBe(202)
    // A delivery of before the rename is acted on, and does not take the name back.
    expect((await tell()).answer.outcome).toBe('build-queued')
    expect((await project()).repository_slug).toBe(`${name}/erp`)
    const given = { ...repository, slug: `others/erp${made}`, owner: 8 }
    const { status, answer } = await tell({ repository: given })
    expect([status, answer.reason]).toEqual([409, 'repository-changed'])
    expect((await tell({ repository: { ...renamed, id: 9_999 } })).status).toBe(409)
  })
})

test('several branches in one delivery of Bitbucket are each acted on', async () => {
  const { name, secret } = await arrange(kinds.bitbucket as Kind)
  const ref = (branch: string) => ({ type: 'branch', name: branch, target: { hash: pushedCommit } })
  const body = JSON.stringify({
    repository: { full_name: `${name}/odoo`, uuid: uuid(77), workspace: { uuid: uuid(7) } },
    push: { changes: [{ new: ref('feature/a') }, { new: ref('nowhere') }, { old: ref('feature/b') }] },
  })
  const { answer } = await post(server, '/webhooks/bitbucket', body, {
    'x-event-key': 'repo:push',
    'x-request-uuid': randomUUID(),
    'x-hub-signature': `sha256=${hmac(secret, body)}`,
  })
  expect((answer.changes as { outcome: string }[]).map(({ outcome }) => outcome)).toEqual([
    'build-queued',
    'ignored',
    'branch-deleted',
  ])
})

test('ids of Gitea that were taken for GitHub’s become its own', async () => {
  const { name, secret, tell, project, repository } = await arrange(kinds.gitea as Kind)
  const own = { full_name: `${name}/odoo`, id: repository.id, owner: { id: repository.owner } }
  await deliverGithub(server, secret, githubPush(own, 'feature/x'))
  expect(await project()).toMatchObject({ github_repository_id: repository.id })
  expect((await tell({ ref: 'refs/heads/feature/x' })).status).toBe(202)
  expect(await project()).toMatchObject({
    github_repository_id: null,
    repository_uid: `gitea:${repository.id}`,
  })
})

const gitlab = kinds.gitlab as Kind

describe('a repository of GitLab in a subgroup', () => {
  test('is known by its whole path, and followed to its new name', async () => {
    const { name, tell, project, repository } = await arrange(gitlab, { groups: 'acme/team/' })
    expect((await tell()).answer.outcome).toBe('build-queued')
    expect((await tell({ repository: { ...repository, slug: `acme/team/${name}/erp` } })).status).toBe(202)
    expect(await project()).toMatchObject({
      repository_slug: `acme/team/${name}/erp`,
      repository_url: `https://git.example/acme/team/${name}/erp.git`,
    })
  })

  test('is not one of the same name in another group', async () => {
    const { name, tell, repository } = await arrange(gitlab, { groups: 'acme/team/' })
    const other = { ...repository, slug: `rivals/${name}/odoo`, id: 5 }
    expect((await tell({ repository: other })).status).toBe(401)
  })

  test('whose group was renamed is at its new address once an owner says so', async () => {
    const { name, tell, project, repository } = await arrange(gitlab, { groups: 'acme/team/' })
    await tell()
    const moved = { ...repository, slug: `acme/${name}/odoo` }
    expect((await tell({ repository: moved })).answer.reason).toBe('repository-changed')
    const pin = { repository: `gitlab:${repository.id}`, owner: `gitlab:acme/${name}` }
    await pinProject(server.context, tenant.caller, name, pin)
    expect(await project()).toMatchObject({
      repository_slug: `acme/${name}/odoo`,
      repository_url: `https://git.example/acme/${name}/odoo.git`,
    })
    expect((await tell({ repository: moved })).status).toBe(202)
  })

  test('that was known by the last two parts of its path is known by all of them', async () => {
    const { name, tell, project } = await arrange(gitlab, { groups: 'acme/team/' })
    await tenant.scope((tx) =>
      tx
        .updateTable('projects')
        .set({ repository_slug: `${name}/odoo` })
        .where('name', '=', name)
        .execute(),
    )
    expect((await tell()).status).toBe(202)
    expect((await project()).repository_slug).toBe(`acme/team/${name}/odoo`)
  })
})

test('a repository of a git server in a folder keeps the folder in its address', async () => {
  const { name, tell, project, repository } = await arrange(kinds.gitea as Kind, { folder: 'git/' })
  expect((await tell()).answer.outcome).toBe('build-queued')
  expect((await project()).repository_slug).toBe(`${name}/odoo`)
  await tell({ repository: { ...repository, slug: `${name}/erp` } })
  expect(await project()).toMatchObject({
    repository_slug: `${name}/erp`,
    repository_url: `https://git.example/git/${name}/erp.git`,
  })
})

test('a new name that does not follow from the address waits for an owner’s word', async () => {
  const { name, tell, project, repository } = await arrange(gitlab)
  await tell()
  await tenant.scope((tx) =>
    tx
      .updateTable('projects')
      .set({ repository_url: 'https://mirror.example/odoo.git' })
      .where('name', '=', name)
      .execute(),
  )
  const { status, answer } = await tell({ repository: { ...repository, slug: `${name}/erp` } })
  expect([status, answer.reason]).toEqual([409, 'repository-changed'])
  expect(answer.error).toContain(`fairway project update ${name} --repository URL`)
  expect(await project()).toMatchObject({ repository_slug: `${name}/odoo` })
  expect((await project()).repository_claim).toMatchObject({ slug: `${name}/erp` })
})

test('there is no webhook of anything else', async () => {
  expect((await post(server, '/webhooks/svn', '{}', {})).status).toBe(404)
})
