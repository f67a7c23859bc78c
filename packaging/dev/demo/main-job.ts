import { waitFor } from '../wait-for.ts'
import { approveDeployment, showProof } from './governance.ts'
import { callOdoo, httpRequest, type OdooAddress } from './odoo-client.ts'
import { showRelease } from './release.ts'
import { command, say, title } from './say.ts'
import { type Clone, createClone } from './shop-repository.ts'
import { readSignIn } from './sign-in.ts'
import type { Stack } from './stack.ts'

const project = 'shop'

interface Environment {
  readonly name: string
  readonly url: string
  readonly cell: string
  readonly signIn: string | null
}
interface Build {
  readonly number: number
  readonly branch: string
  readonly status: string
  readonly commit: string
}

/** From a push to a running Odoo, in all three stages; and staging once more, on a new database. */
export async function showMainJob(stack: Stack, options: { push: boolean }): Promise<void> {
  title('3  Register a project')
  const remote = await registerProject(stack)
  if (options.push) {
    const clone = await createClone(stack.path('clone'), remote)
    const watch = (branch: string) => pushAndWatch(stack, clone, branch)

    title('4  Push main → production, which waits for somebody else’s approval')
    const first = await pushBuild(stack, clone, 'main')
    say(
      'It resolves its modules, builds its image, and then asks: this digest, these modules, this environment.',
    )
    const rita = await stack.as('rita', 'release-manager')
    await approveDeployment(rita, project, first)
    await watchBuild(stack, first)
    say('People work with it: twelve customers and their points, written over Odoo’s own API.')
    await writeBusinessData(await readSignIn(stack, project, 'production'))

    title('5  Push release/1.0 → staging, on a fresh clone of production')
    const gold = 'partner_loyalty/models/res_partner.py'
    await clone.change('release/1.0', gold, lowerGoldThreshold, 'Gold from 800 points')
    await watch('release/1.0')
    const staging = await environmentOf(stack, 'release/1.0')
    await showStaging(
      await readSignIn(stack, project, 'release/1.0'),
      await countCustomers(await readSignIn(stack, project, 'production')),
    )

    title('6  Release what staging runs: planned, rehearsed, approved, promoted by its digest')
    await showRelease(await stack.as('omar', 'release-manager'), rita, project, 'release/1.0')

    title('7  Push feature/hello → development preview, with demo data and tests')
    const views = 'partner_loyalty/__manifest__.py'
    await clone.change('feature/hello', views, sayHello, 'Say hello')
    await watch('feature/hello')

    title('8  Push release/1.0 again → a new staging database, the old one gone')
    await clone.change('release/1.0', gold, (text) => `${text}\n# checked once more\n`, 'Check once more')
    await watch('release/1.0')
    const again = await environmentOf(stack, 'release/1.0')
    say(`cell before ${staging.cell}`)
    say(`cell now    ${again.cell}`)
    if (again.cell === staging.cell) throw new Error('staging was built on its old database')

    title('9  Prove what was done to production, to somebody who trusts nobody here')
    await showProof(stack, project, first)
  }
  await showWhatRuns(stack)
}

async function registerProject(stack: Stack): Promise<string> {
  await stack.startGitServer()
  const remote = await stack.createRepository(`demo/${project}`)
  const projects = await stack.cliJson<{ name: string }[]>('project', 'list')
  if (!projects.some(({ name }) => name === project)) {
    command(`fairway project create ${project} --repository ${remote}`)
    const secret = await stack.webhookSecret()
    await stack.cli('project', 'create', project, '--repository', remote, '--webhook-secret', secret)
  }
  process.stdout.write(await stack.cli('project', 'show', project))
  return remote
}

async function pushAndWatch(stack: Stack, clone: Clone, branch: string): Promise<void> {
  await watchBuild(stack, await pushBuild(stack, clone, branch))
}

/** Pushes, and gives the number of the build that the webhook started. */
async function pushBuild(stack: Stack, clone: Clone, branch: string): Promise<number> {
  command(`git push origin ${branch}`)
  const commit = await clone.push(branch)
  let number = 0
  await waitFor(
    async () => {
      const builds = await stack.cliJson<Build[]>('build', 'list', project, '--branch', branch)
      number = builds.find((build) => build.commit === commit)?.number ?? 0
      return number > 0
    },
    () => `the push of ${branch} started no build; see ${stack.path('git-server.log')}`,
    { deadlineMs: 30_000, everyMs: 200 },
  )
  return number
}

/** Follows a build to its end. */
async function watchBuild(stack: Stack, number: number): Promise<void> {
  command(`fairway build watch ${project} ${number}`)
  const exitCode = await stack.show('build', 'watch', project, String(number))
  if (exitCode !== 0) throw new Error(`build ${number} failed: npx fairway logs ${project} ${number}`)
}

const environmentOf = (stack: Stack, name: string) => stack.cliJson<Environment>('env', 'show', project, name)

async function writeBusinessData(production: OdooAddress): Promise<void> {
  const customers = Array.from({ length: 12 }, (_, index) => ({
    name: `Customer ${String(index + 1).padStart(2, '0')}`,
    loyalty_points: index * 100,
  }))
  await callOdoo(production, 'res.partner', 'create', [customers])
  await callOdoo(production, 'ir.mail_server', 'create', [
    { name: 'Live mail', smtp_host: 'mail.example.org' },
  ])
}

const countCustomers = (odoo: OdooAddress): Promise<number> =>
  callOdoo<number>(odoo, 'res.partner', 'search_count', [[['name', 'like', 'Customer ']]])

/** @param inProduction customers there; each run of the demo adds to them. */
async function showStaging(staging: OdooAddress, inProduction: number): Promise<void> {
  const customers = await countCustomers(staging)
  const servers = await callOdoo<{ name: string }[]>(staging, 'ir.mail_server', 'search_read', [
    [['active', '=', true]],
    ['name'],
  ])
  say(`production's data are there: ${customers} customers`)
  say(
    `and it is neutralized: active mail servers are ${servers.map(({ name }) => name).join(', ') || 'none'}`,
  )
  if (customers !== inProduction)
    throw new Error(`staging has ${customers} customers, production ${inProduction}`)
  if (servers.some(({ name }) => name === 'Live mail'))
    throw new Error('the live mail server is active in staging')
}

const lowerGoldThreshold = (text: string) => text.replace('>= 1000', '>= 800')
const sayHello = (text: string) => text.replace('"summary": "', '"summary": "Hello! ')

async function showWhatRuns(stack: Stack): Promise<void> {
  title('What runs now')
  command('fairway build list')
  process.stdout.write(await stack.cli('build', 'list', project))
  command('fairway env list')
  process.stdout.write(await stack.cli('env', 'list', project))
  for (const { name, url, signIn } of await stack.cliJson<Environment[]>('env', 'list', project)) {
    const { status } = await httpRequest(url, '/web/login')
    const { password = signIn === 'gone' ? 'as it was shown at first' : 'admin' } = await readSignIn(
      stack,
      project,
      name,
    )
    say(`${url}/web/login → ${status}   (${name}; user admin, password ${password})`)
  }
  const [last] = await stack.cliJson<Build[]>('build', 'list', project)
  if (!last) {
    say('Nothing is built yet: npm run demo')
    return
  }
  title('Go on from here')
  say(`npx fairway logs ${project} ${last.number} -f           the log of a build`)
  say(`npx fairway logs ${project} production -f   what production's Odoo says`)
  say(`npx fairway env open ${project} production  its address, in a browser where there is one`)
  say(`npx fairway build show ${project} ${last.number}        steps, clone, neutralization, tests`)
  say(
    `npx fairway run show ${project} ${last.number}          the record: everything the build used and made`,
  )
  say(
    `git clone http://127.0.0.1:${stack.options.ports.git}/demo/${project}.git   and push a branch of your own`,
  )
  say('npm run demo -- --down             remove all of it')
}
