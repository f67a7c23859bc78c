import { writeFile } from 'node:fs/promises'
import { type Clone, createClone } from '../../packaging/dev/demo/shop-repository.ts'
import type { Stack } from '../../packaging/dev/demo/stack.ts'
import { noApprovals } from './no-approvals.ts'
import { waitFor } from './wait-for.ts'

/** What `fairway build show --json` prints, as far as tests look at it. */
export interface BuildShown {
  readonly number: number
  readonly branch: string
  readonly stage: string
  readonly status: string
  readonly result: string
  readonly reason: string
  readonly commit: string
  readonly digest: string
  readonly steps: readonly { name: string; status: string; durationMs: number; startedAt: string }[]
  readonly clone: { source: string; sourceTime: string; durationMs: number; bytes: number }
  readonly neutralization: { assertions: readonly { name: string; passed: boolean }[] }
  readonly tests: { total: number; failed: number; errors: number; reusedFromBuild?: number }
  readonly updatedModules: readonly string[]
  readonly warnings: readonly string[]
}

/** What `fairway env show --json` prints, as far as tests look at it. */
export interface EnvironmentShown {
  readonly name: string
  readonly status: string
  readonly url: string
  readonly cell: string
  readonly digest: string
  readonly build: number
}

export const environmentsOf = (stack: Stack) => stack.cliJson<EnvironmentShown[]>('env', 'list', 'shop')

/** A push to main goes to production at once: without anybody's approval, and without a rehearsal. */
export const nothingHolds = `${noApprovals}rehearsal: { required: false }\n`

/**
 * The project `shop`, whose pushes reach the server by webhook, and whose policy holds nothing up: gives the repository's
 * address.
 */
export async function createShop(stack: Stack): Promise<string> {
  await stack.startGitServer()
  const remote = await stack.createRepository('demo/shop')
  const secret = await stack.webhookSecret()
  await stack.cli('project', 'create', 'shop', '--repository', remote, '--webhook-secret', secret)
  await setPolicy(stack, nothingHolds)
  return remote
}

/** The fairway.yaml of a project that is served by one process, and whose tests nobody runs. */
export const smallShop = `odoo: "19.0"
branches:
  main: production
  release/*: staging
production:
  workers: 0
staging:
  workers: 0
  tests: false
`

/**
 * A clone of a shop's repository that needs no more of Odoo than its base, one process to serve it, and no tests: for
 * stories that are not about these.
 */
export async function cloneSmallShop(stack: Stack): Promise<Clone> {
  const clone = await createClone(stack.path('clone'), await createShop(stack))
  await clone.change('main', 'fairway.yaml', () => smallShop, 'Serve with one process')
  const needBase = (text: string) => text.replace('"contacts"', '"base"')
  await clone.change('main', 'partner_loyalty/__manifest__.py', needBase, 'Need little')
  return clone
}

/** Puts a policy of the project in force. */
export async function setPolicy(stack: Stack, yaml: string, project = 'shop'): Promise<void> {
  const file = stack.path('policy.yaml')
  await writeFile(file, yaml)
  await stack.cli('policy', 'set', project, '--file', file, '--yes')
}

/** The build of that commit (or with that number) once it has ended, as `build show` says it. */
export async function finishedBuild(
  stack: Stack,
  branch: string,
  commit: string,
  { number, project = 'shop' }: { readonly number?: number; readonly project?: string } = {},
): Promise<BuildShown> {
  const found = await waitFor(
    `a build of ${branch} at ${commit}`,
    async () => {
      const builds = await stack.cliJson<BuildShown[]>('build', 'list', project, '--branch', branch)
      return builds.find((one) => (number ? one.number === number : one.commit === commit))
    },
    30_000,
  )
  const started = String(found.number)
  // A red build makes `watch` exit with 1; how it ended is for the test to judge.
  await stack.cli('build', 'watch', project, started).catch((error: { exitCode?: number }) => {
    if (error.exitCode !== 1) throw error
  })
  return stack.cliJson<BuildShown>('build', 'show', project, started)
}
