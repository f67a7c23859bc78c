import { create } from '@bufbuild/protobuf'
import { listShort } from '../../lib/words/list-short.ts'
import {
  AdministratorPasswordSchema,
  CheckSchema,
  NeutralizeOutputSchema,
  type NeutralizeTask,
  PasswordPolicy,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { listActiveJobs } from '../neutralize/active-jobs.ts'
import type { AssertionResult } from '../neutralize/assertions.ts'
import { blankCredentials } from '../neutralize/blank.ts'
import type { Uncovered } from '../neutralize/coverage.ts'
import { requireNeutral } from '../neutralize/gate.ts'
import { findOwnAddress } from '../neutralize/own-address.ts'
import { prove, unmark } from '../neutralize/proof.ts'
import { findHost, rememberProduction } from '../neutralize/remember-production.ts'
import type { Wishes } from '../neutralize/rule.ts'
import { runOdoosOwn } from '../neutralize/run-odoos-own.ts'
import { createOneTimePassword } from '../passwords/one-time-password.ts'
import { plain } from '../plain-text.ts'
import type { AgentServices } from '../services.ts'
import { requireClean } from '../storage/dirty.ts'
import type { Cell } from '../storage/records.ts'
import { type OdooCell, type OdooCellServices, prepareOdooCell } from './odoo-cell.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'

/**
 * Makes a copy harmless, proves it by asking the data, and then takes the mark off it. Never a production cell, whoever
 * asks. What comes when: the agent's own SQL before the image has seen anything, the image's, the agent's again.
 */
export function neutralize(
  services: OdooCellServices & Pick<AgentServices, 'pool' | 'proxy'>,
): TaskHandler<'neutralize'> {
  return async (input, context) => {
    const { signal } = context
    await refuse(services, input)
    const started = await services.cells.start(input.cellId, signal)
    const wishes = await wishesOf(services, started, input, signal)

    const jobs = await context.once('active-jobs', () => listActiveJobs(started, signal))
    await context.requireLease()
    await blankCredentials(started, wishes, undefined, signal)
    const use = { kind: 'neutralize' } as const
    const prepared = await prepareOdooCell(services, input.cellId, input.image, use, signal)
    const ran = await runOdoosOwn(
      services,
      prepared,
      { image: input.image, limits: input.resources },
      context,
    )
    const reset = wishes.passwords === 'reset' ? await createOneTimePassword() : undefined
    await context.requireLease()
    const login = await blankCredentials(prepared.cell, wishes, reset?.hash, signal)
    if (reset && login === undefined)
      context.warn('the database has no user base.user_admin, so nobody got a new password')

    const covered = [...modulesOf(prepared), ...input.coveredModules]
    const { assertions, uncovered } = await prove(prepared.cell, wishes, new Set(covered), signal)
    report({ assertions, uncovered, stoppedJobs: jobs }, context)
    requirePassed(assertions)
    await unmark(services, input.cellId, signal)
    return create(NeutralizeOutputSchema, {
      assertions: assertions.map((result) =>
        create(CheckSchema, { ...result, durationMs: BigInt(result.durationMs) }),
      ),
      uncoveredModules: uncovered.map(({ module }) => module),
      passwords: policies[wishes.passwords],
      ...(reset &&
        login !== undefined && {
          administrator: create(AdministratorPasswordSchema, { login, password: reset.password }),
        }),
      image: ran ? input.image : '',
    })
  }
}

async function refuse({ pool }: Pick<AgentServices, 'pool'>, { cellId, image }: NeutralizeTask) {
  const cell = await pool.requireCell(cellId)
  if (cell.stage === 'production')
    throw new TaskError(
      'production-protected',
      `cell ${cellId} is a production cell: it is never neutralized`,
    )
  requireClean(cell)
  requireNeutral(cell, image, { kind: 'neutralize' })
}

async function wishesOf(
  services: Pick<AgentServices, 'cells' | 'proxy'>,
  cell: Cell,
  input: NeutralizeTask,
  signal: AbortSignal,
): Promise<Wishes> {
  const address = findOwnAddress(services, input)
  const remembered = await rememberProduction(services, cell, input.productionHostnames, signal)
  const own = findHost(address ?? '')
  return {
    ...remembered,
    passwords: wishOf(input.passwords),
    address,
    productionHosts: remembered.productionHosts.filter((host) => !own.includes(host)),
  }
}

const policies = {
  keep: PasswordPolicy.KEEP,
  disable: PasswordPolicy.DISABLE,
  reset: PasswordPolicy.RESET,
} as const satisfies Record<Wishes['passwords'], PasswordPolicy>

function wishOf(policy: PasswordPolicy): Wishes['passwords'] {
  if (policy === PasswordPolicy.KEEP) return 'keep'
  return policy === PasswordPolicy.RESET ? 'reset' : 'disable'
}

const modulesOf = ({ facts }: OdooCell) =>
  Object.entries(facts.modules).flatMap(([name, { neutralize: ships }]) => (ships ? [name] : []))

interface Report {
  assertions: AssertionResult[]
  uncovered: Uncovered[]
  /** Scheduled jobs that were on until now. */
  stoppedJobs: string[]
}

function report({ assertions, uncovered, stoppedJobs }: Report, context: TaskContext): void {
  if (stoppedJobs.length > 0)
    context.log('fairway', `scheduled jobs that do not run in this copy: ${shortened(stoppedJobs)}`)
  for (const { name, passed, detail } of assertions)
    context.log('fairway', `${passed ? 'passed' : 'FAILED'}: ${name}${detail ? ` (${detail})` : ''}`)
  if (uncovered.length > 0)
    context.warn(
      `these modules hold credentials, endpoints or work that waits, and ship no data/neutralize.sql: ${uncovered
        .map(({ module, holds }) => `${module} (${holds.slice(0, 3).join(', ')})`)
        .join('; ')}`,
    )
  const document = JSON.stringify({ assertions, uncovered, stoppedJobs }, null, 2)
  context.artifact('neutralization.json', 'application/json', new TextEncoder().encode(document))
}

const shortened = (names: readonly string[]): string => listShort(names, 40, (name) => plain(name, 100))

function requirePassed(assertions: AssertionResult[]): void {
  const failed = assertions.filter(({ passed }) => !passed)
  if (assertions.length === 0)
    throw new TaskError(
      'not-neutralized',
      'the database holds nothing that could prove its neutralization: is it Odoo’s?',
    )
  if (failed.length === 0) return
  const first = failed[0]!
  const more = failed.length > 1 ? `, and ${failed.length - 1} more` : ''
  throw new TaskError(
    'not-neutralized',
    `the database could still reach the outside world: ${first.name} – ${first.detail}${more}`,
  )
}
