import { isHarmless, neutralityOf } from '../storage/neutrality.ts'
import type { Cell } from '../storage/records.ts'
import { TaskError } from '../tasks/task.ts'

/** What an image is to do on a cell. */
export type Use =
  /** Answer people, or be what a route leads to. */
  | { readonly kind: 'serve' }
  /** Install and update modules, with the project's secrets or without. */
  | { readonly kind: 'change'; readonly taskId: string; readonly secrets: boolean }
  | { readonly kind: 'neutralize' }

/**
 * The one gate between images and production's data: called wherever an image meets a cell, whoever asks, and decided by
 * this host's own records alone.
 *
 * Until the agent itself has proved a copy of production neutral, nothing serves it and no route leads to it, it gets no
 * secrets, and nothing touches it but images that its production itself has run with leave. Once it was proved, the
 * candidate's code may change it; then it has to be proved again.
 *
 * @throws TaskError `not-neutral`, `image-not-of-production`.
 */
export function requireNeutral(cell: Cell, image: string, use: Use): void {
  const neutrality = neutralityOf(cell)
  if (isHarmless(neutrality)) return
  const { state, by } = neutrality
  if (state === 'raw' && use.kind !== 'serve') requireImageOfProduction(cell, image)
  if (use.kind === 'neutralize') return
  // The task that changes it may take up its own work again after a crash.
  if (use.kind === 'change' && (!use.secrets || (by !== undefined && by === use.taskId))) return
  throw new TaskError(
    'not-neutral',
    `cell ${cell.id} holds a copy of production that is not yet proved neutral: nothing serves it and it gets no secrets, ` +
      'whoever asks. Neutralize it first.',
  )
}

function requireImageOfProduction(cell: Cell, image: string): void {
  const images = cell.images ?? []
  if (images.includes(image)) return
  throw new TaskError(
    'image-not-of-production',
    images.length > 0
      ? `cell ${cell.id} is a raw copy of production: the image ${image} has never run there, and may not touch it before ` +
          'one that has was used to neutralize it. Where the server did not ask for that, upgrade it.'
      : `cell ${cell.id} is a raw copy of production, and this host does not know what production runs: start production ` +
          'once more (a release, or `fairway env start`), and build again.',
  )
}
