import type { Stage } from '../db/tables/projects.ts'

/**
 * Tasks that can destroy or change production. In a production environment the engine asks an agent for one only with
 * an authorization, dispatch signs that, and the agent takes none without.
 */
export const protectedTasks = [
  // An environment's first production cell is free for agents; what a failed build left may stand beside the next.
  'createCell',
  'cloneCell',
  'applyModules',
  'restoreCell',
  'destroyCell',
  'startRuntime',
  'stopRuntime',
  'switchRoute',
  'destroySnapshot',
] as const
export type ProtectedTask = (typeof protectedTasks)[number]

export const isProtectedTask = (kind: string, stage: Stage): boolean =>
  stage === 'production' && (protectedTasks as readonly string[]).includes(kind)
