import type { Command } from 'commander'
import { usageError } from './errors.ts'
import { parseDuration } from './format.ts'

export const addTimeout = (command: Command): Command =>
  command.option('--timeout <duration>', 'give up waiting after it, such as 10m (exit code 7)')

export function timeoutOf(options: { timeout?: string }): number | undefined {
  if (options.timeout === undefined) return undefined
  const ms = parseDuration(options.timeout)
  if (!ms) throw usageError(`${options.timeout} is no duration: give one like 90s or 10m.`)
  return ms
}
