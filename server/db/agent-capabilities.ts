import { type TaskKind, taskKinds } from '../../lib/tasks/task-kinds.ts'

/**
 * Which of those tasks its agent cannot do, by what it says of itself in its Hello; an agent that names nothing says nothing.
 * A run begins where all that it may ask for can be done: one that finds out half-way has production stopped for nothing.
 */
export function findLacking(
  { capabilities }: { readonly capabilities: readonly string[] },
  asked: readonly TaskKind[],
): readonly string[] {
  if (capabilities.length === 0) return []
  return asked.map((kind) => taskKinds[kind].capability).filter((name) => !capabilities.includes(name))
}

/** Ends a sentence about a host. */
export const describeLacking = (agentVersion: string, lacking: readonly string[]): string =>
  `its agent${agentVersion && ` ${agentVersion}`} cannot do ${lacking.join(', ')} yet: upgrade it to the server's version`
