import { create } from '@bufbuild/protobuf'
import {
  CheckSchema,
  type DefaultPasswords,
  SmokeOutputSchema,
  type SmokeTask,
} from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { readImageFacts } from '../containers/image-facts.ts'
import { findAddress, runtimeName } from '../containers/odoo.ts'
import { httpPort } from '../containers/odoo-options.ts'
import type { LogIssue } from '../observe/log-issues.ts'
import { checkBackend, type Visitor } from '../odoo/bundle-checks.ts'
import { checkCron, checkModules } from '../odoo/database-checks.ts'
import { awaitInspection } from '../odoo/inspection/await-inspection.ts'
import { checkModels } from '../odoo/inspection/judge.ts'
import type { LogRules } from '../odoo/runtime-log.ts'
import { checkRuntimeLog, readRuntimeLog } from '../odoo/runtime-log-check.ts'
import {
  type CheckResult,
  checkHealth,
  checkLoginPage,
  checkPath,
  checkRegistry,
  createVisitor,
  type Passed,
  runCheck,
} from '../odoo/smoke-checks.ts'
import type { AgentServices } from '../services.ts'
import { requireClean } from '../storage/dirty.ts'
import type { Cell } from '../storage/records.ts'
import { readDefaultPasswords } from './replace-default-passwords.ts'
import { requireRuntime } from './runtime-input.ts'
import { type TaskContext, TaskError, type TaskHandler } from './task.ts'

type Services = Pick<AgentServices, 'docker' | 'cells' | 'pool' | 'workDirectory'>
type Check = readonly [name: string, check: () => Promise<string | Passed>]

/** Asks a candidate, directly and before any route leads to it, whether it is fit to be shown. */
export function smoke(services: Services): TaskHandler<'smoke'> {
  const { docker, cells, pool } = services
  return async (input, context) => {
    const { signal } = context
    const begun = new Date()
    const runtime = requireRuntime(input.runtime)
    requireClean(await pool.requireCell(runtime.cellId))
    await cells.start(runtime.cellId, signal)
    const cell = await pool.requireCell(runtime.cellId)
    const name = runtimeName(runtime.runtimeId)
    const address = await findAddress(docker, name)
    if (!address)
      throw new TaskError(
        'runtime-missing',
        `the runtime ${runtime.runtimeId} does not run: start it before its smoke tests`,
      )
    const rules = logRulesOf(input, cell)
    const issues: LogIssue[] = []
    const visitor = createVisitor(
      `http://${address}:${httpPort}`,
      input.hostnames[0] ?? 'localhost',
      input.inspection?.addons ?? {},
      signal,
    )
    // Beside the checks, which people may wait for: hashes are slow to verify.
    const defaultPasswords = findDefaultPasswords(cell, context)
    const results = await runChecks(
      [
        ...checksOf(cell, input, visitor, signal),
        ...(input.inspection ? inspectionChecks(services, input, rules, visitor, issues, context) : []),
        // Last: it holds what the others caused.
        [
          'log',
          async () => {
            const log = await readRuntimeLog(docker, name, begun, rules, signal)
            issues.push(...log.issues)
            return checkRuntimeLog(log)
          },
        ],
      ],
      context,
    )
    requirePassed(results)
    const known = await defaultPasswords
    return create(SmokeOutputSchema, {
      checks: results.map(({ name, passed, detail, durationMs }) =>
        create(CheckSchema, { name, passed, detail, durationMs: BigInt(durationMs) }),
      ),
      log: { issues },
      ...(known && { defaultPasswords: known }),
    })
  }
}

/** Says nothing of the candidate, and so never fails it. */
async function findDefaultPasswords(cell: Cell, context: TaskContext): Promise<DefaultPasswords | undefined> {
  try {
    return await readDefaultPasswords(cell, context.signal)
  } catch (error) {
    if (!context.signal.aborted)
      context.warn(
        `whether somebody has the password of every Odoo is not known: ${error instanceof Error ? error.message : error}`,
      )
    return undefined
  }
}

/** In production scheduled jobs run beside the checks, whatever the request says. */
const logRulesOf = ({ log }: SmokeTask, { stage }: Cell): LogRules => ({
  knownFingerprints: log?.knownFingerprints ?? [],
  knownLines: log?.knownLines ?? [],
  servingOnly: log?.servingOnly === true || stage === 'production',
})

function checksOf(cell: Cell, { checks }: SmokeTask, visitor: Visitor, signal: AbortSignal): Check[] {
  return [
    ['health', () => checkHealth(visitor)],
    ['registry', () => checkRegistry(visitor)],
    ['login page', () => checkLoginPage(visitor)],
    ['modules', () => checkModules(cell, signal)],
    ['scheduled jobs', () => checkCron(cell, cell.stage, signal)],
    ...checks.map((check): Check => [check.path, () => checkPath(visitor, check)]),
  ]
}

/** The host went down meanwhile, say: no reason to refuse the candidate, or to put production's data back. */
const lost: Passed = {
  detail: 'not looked at',
  warnings: [
    'was not looked at, as what should look at it was ended from outside: build or rehearse again to know',
  ],
}

/** What goes by the inspection that the start of the runtime began beside it. */
function inspectionChecks(
  { docker, workDirectory }: Services,
  { runtime, inspection }: SmokeTask,
  rules: LogRules,
  visitor: Visitor,
  issues: LogIssue[],
  context: TaskContext,
): Check[] {
  const { runtimeId, image } = requireRuntime(runtime)
  let knownAt: number | undefined
  const inspected = awaitInspection(docker, runtimeId, rules, context, () => {
    knownAt ??= performance.now()
  })
  // The checks before may fail first.
  inspected.catch(() => undefined)
  return [
    [
      'models',
      async () => {
        const found = await inspected
        if (!found) return lost
        issues.push(...found.log.issues)
        const passed = checkModels(found)
        // Not with the making of the bundles, which production's people do not wait for.
        return knownAt === undefined ? passed : { ...passed, knownAt }
      },
    ],
    ...(inspection?.bundles
      ? [
          [
            'web client',
            async () => {
              const found = await inspected
              if (!found) return lost
              const { findings, log } = found
              const { odooVersion } = await readImageFacts(docker, image, workDirectory, context.signal)
              const detail = await checkBackend(visitor, findings, odooVersion)
              return { detail, warnings: log.warnings }
            },
          ] as const,
        ]
      : []),
  ]
}

async function runChecks(checks: readonly Check[], context: TaskContext): Promise<CheckResult[]> {
  const results: CheckResult[] = []
  for (const [name, check] of checks) {
    const result = await runCheck(name, context.signal, check)
    results.push(result)
    const { passed, detail, durationMs, warnings } = result
    context.log('fairway', `${passed ? 'passed' : 'FAILED'}: ${name} – ${detail} (${durationMs} ms)`)
    for (const warning of warnings) context.warn(`smoke: ${name}: ${warning}`.slice(0, 500))
  }
  context.artifact(
    'smoke.json',
    'application/json',
    new TextEncoder().encode(JSON.stringify(results, null, 2)),
  )
  return results
}

function requirePassed(results: CheckResult[]): void {
  const failed = results.filter(({ passed }) => !passed)
  if (failed.length === 0) return
  const named = failed.map(({ name, detail }) => `${name}: ${detail}`).join('; ')
  throw new TaskError(
    'smoke-failed',
    `${failed.length} of ${results.length} smoke tests failed – ${named}`.slice(0, 1000),
  )
}
