import type Docker from 'dockerode'
import { variableNamePattern, whyReserved } from '../../lib/environment/reserved-names.ts'
import type { Variables } from '../../lib/environment/stage-variables.ts'
import { TaskError } from '../tasks/task.ts'

/**
 * The options with plain variables in the environment. What is there already, the agent's own and secrets, goes before
 * one of that name. Throws TaskError `bad-input` for names that nobody may set: a server is not taken at its word.
 */
export function withVariables(
  options: Docker.ContainerCreateOptions,
  variables: Variables,
): Docker.ContainerCreateOptions {
  const own = options.Env ?? []
  const taken = new Set(own.map((variable) => variable.split('=', 1)[0]))
  const names = Object.keys(variables)
    .filter((name) => !taken.has(name))
    .sort()
  for (const name of names) {
    const fault = variableNamePattern.test(name) ? whyReserved(name) : 'it is no name of a variable'
    if (fault) throw new TaskError('bad-input', `the variable ${JSON.stringify(name.slice(0, 80))}: ${fault}`)
  }
  if (names.length === 0) return options
  return { ...options, Env: [...own, ...names.map((name) => `${name}=${variables[name]}`)] }
}
