import { type DockerHost, findContainer, listContainers } from '../containers/docker.ts'
import type { Snapshot } from '../storage/layout.ts'
import type { Cell } from '../storage/records.ts'

const most = 20

/** Images with one more: the newest last, none twice. */
export const withImage = (images: readonly string[] | undefined, image: string): string[] =>
  [...(images ?? []).filter((known) => known !== image), image].slice(-most)

/**
 * Images that the data of a cell or snapshot has met with leave. Production cells of before this was on record: those of
 * the runtimes that stand on them, which nothing but an authorization has put there.
 */
export async function imagesOf(host: DockerHost, from: Cell | Snapshot): Promise<string[]> {
  if (from.images || 'takenAt' in from || from.stage !== 'production') return from.images ?? []
  const runtimes = await listContainers(host, { cell: from.id, role: 'odoo' })
  const found = await Promise.all(runtimes.map(({ Id }) => findContainer(host, Id)))
  return found.reduce<string[]>(
    (images, container) => (container ? withImage(images, container.Config.Image) : images),
    [],
  )
}
