import { create } from '@bufbuild/protobuf'
import { CheckSchema, SmokeOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { findAddress, runtimeName } from '../containers/odoo.ts'
import { httpPort } from '../containers/odoo-options.ts'
import { checkCron, checkModules } from '../odoo/database-checks.ts'
import {
  type CheckResult,
  checkHealth,
  checkLoginPage,
  checkPath,
  checkRegistry,
  createVisitor,
  runCheck,
} from '../odoo/smoke-checks.ts'
import type { AgentServices } from '../services.ts'
import { requireRuntime } from './runtime-input.ts'
import { TaskError, type TaskHandler } from './task.ts'

/** Asks a candidate, directly and before any route leads to it, whether it is fit to be shown. */
export function smoke({
  docker,
  cells,
  pool,
}: Pick<AgentServices, 'docker' | 'cells' | 'pool'>): TaskHandler<'smoke'> {
  return async (input, context) => {
    const { signal } = context
    const runtime = requireRuntime(input.runtime)
    const cell = await cells.start(runtime.cellId, signal)
    const { stage } = await pool.requireCell(cell.id)
    const address = await findAddress(docker, runtimeName(runtime.runtimeId))
    if (!address)
      throw new TaskError(
        'runtime-missing',
        `the runtime ${runtime.runtimeId} does not run: start it before its smoke tests`,
      )
    const visitor = createVisitor(`http://${address}:${httpPort}`, input.hostnames[0] ?? 'localhost', signal)
    const checks: [name: string, check: () => Promise<string>][] = [
      ['health', () => checkHealth(visitor)],
      ['registry', () => checkRegistry(visitor)],
      ['login page', () => checkLoginPage(visitor)],
      ['modules', () => checkModules(cell, signal)],
      ['scheduled jobs', () => checkCron(cell, stage, signal)],
      ...input.checks.map((check): [string, () => Promise<string>] => [
        check.path,
        () => checkPath(visitor, check),
      ]),
    ]
    const results: CheckResult[] = []
    for (const [name, check] of checks) {
      const result = await runCheck(name, signal, check)
      results.push(result)
      context.log(
        'fairway',
        `${result.passed ? 'passed' : 'FAILED'}: ${name} – ${result.detail} (${result.durationMs} ms)`,
      )
    }
    context.artifact(
      'smoke.json',
      'application/json',
      new TextEncoder().encode(JSON.stringify(results, null, 2)),
    )
    requirePassed(results)
    return create(SmokeOutputSchema, {
      checks: results.map((result) =>
        create(CheckSchema, { ...result, durationMs: BigInt(result.durationMs) }),
      ),
    })
  }
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
