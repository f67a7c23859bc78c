import type { Command } from 'commander'
import { usageError } from './errors.ts'

export interface ScopeOptions {
  env?: string
  stage?: string
}

const stages = ['production', 'staging', 'development']

export const addScopeOptions = (command: Command): Command =>
  command
    .option('--env <environment>', 'for this environment alone, by its own or its branch’s name')
    .option('--stage <stage>', 'for all of production, staging or development')

/** What the server calls a scope; empty for the whole project. Throws a usage error. */
export function scopeOf({ env, stage }: ScopeOptions): string {
  if (env !== undefined && stage !== undefined) throw usageError('Give --env or --stage, not both.')
  if (stage !== undefined && !stages.includes(stage)) {
    throw usageError(`${JSON.stringify(stage)} is no stage: give one of ${stages.join(', ')}.`)
  }
  if (env === '') throw usageError('--env needs the name of an environment.')
  return env ?? stage ?? ''
}
