import type { ApplyModulesTask } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { Contents } from '../storage/contents.ts'

type Asked = Pick<ApplyModulesTask, 'install' | 'update' | 'baseImage' | 'addons' | 'plannedFrom'>

/** What was there when the update began. Plain JSON: it has to outlive the agent's process. */
export interface Before {
  readonly installed: readonly string[]
  readonly contents: Contents | null
}

/**
 * The record of a database after an update that went well. New content has what was asked for, what was installed by it,
 * and everything where `base` was updated; the rest keeps what it had. Undefined where the server did not say what is in
 * the image (one of before): then nothing is known any more.
 */
export function newContents(
  { install, update, baseImage, addons, plannedFrom }: Asked,
  before: Before,
  installed: readonly string[],
): Contents | undefined {
  if (baseImage === '') return undefined
  const known = before.contents ?? {
    baseImage: plannedFrom?.baseImage ?? '',
    addons: plannedFrom?.addons ?? {},
  }
  const all = update.includes('base') || before.installed.length === 0
  const fresh = new Set([
    ...install,
    ...update,
    ...installed.filter((name) => !before.installed.includes(name)),
  ])
  const [current, previous] = [new Map(Object.entries(addons)), new Map(Object.entries(known.addons))]
  const entries = installed.flatMap((name): [string, string][] => {
    const [now, former] = [current.get(name), previous.get(name)]
    // One of the image, or one whose code is gone: nothing of it was loaded.
    if (now === undefined) return []
    if (all || fresh.has(name)) return [[name, now]]
    return former === undefined ? [] : [[name, former]]
  })
  return { baseImage: all ? baseImage : known.baseImage, addons: Object.fromEntries(entries) }
}
