import type { RunKind } from './tables/runs.ts'

const images = ['resolve', 'buildImage', 'fetchImage', 'collectImages'] as const
const runtimes = ['startRuntime', 'stopRuntime', 'smoke', 'switchRoute'] as const
const data = [
  'createCell',
  'cloneCell',
  'snapshotCell',
  'checkRoom',
  'restoreCell',
  'destroyCell',
  'destroySnapshot',
  'applyModules',
  'neutralize',
  'inspectCell',
] as const
const all = [...images, ...runtimes, ...data] as const

/**
 * What runs of each kind may ask of their host, by the names that agents give in their Hello. A run begins where all of it
 * can be done: one that finds out half-way has production stopped for nothing.
 */
const needed: Record<RunKind, readonly string[]> = {
  build: all,
  rehearse: all,
  promote: all,
  rollback: all,
  start: ['fetchImage', 'inspectCell', ...runtimes],
  stop: ['stopRuntime', 'switchRoute'],
  destroy: ['stopRuntime', 'switchRoute', 'destroyCell', 'destroySnapshot'],
  lock: ['resolve'],
  inspect: ['inspectCell'],
  study: all,
}

/** What its agent cannot do of that, or of all that this server may ask; an agent that names nothing says nothing. */
export function findLacking(
  { capabilities }: { readonly capabilities: readonly string[] },
  kind?: RunKind,
): readonly string[] {
  if (capabilities.length === 0) return []
  return (kind ? needed[kind] : all).filter((task) => !capabilities.includes(task))
}

/** Ends a sentence about a host. */
export const describeLacking = (agentVersion: string, lacking: readonly string[]): string =>
  `its agent${agentVersion && ` ${agentVersion}`} cannot do ${lacking.join(', ')} yet: upgrade it to the server's version`
