import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { DatabaseContents } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import type { ContentsRecord, Deployment } from '../db/record.ts'

/** A database as plans see it. */
export interface Contents {
  readonly installed: ReadonlySet<string>
  /** Installed modules that somebody asked for, whether the project or a person in Apps. */
  readonly chosen: ReadonlySet<string>
  readonly baseImage: string
  /** Installed addon → tree id of the code it was last installed or updated with; one that is not in it: not known. */
  readonly trees: ReadonlyMap<string, string>
  /** Installed addons whose code is the project's own, also where their content is not known. */
  readonly own: ReadonlySet<string>
  /** Somebody looked; false: it is what the last release meant it to be. */
  readonly seen: boolean
}

/**
 * What the database of `deployed` holds, as a host last saw it. What it has no record of was installed since from the image
 * that serves, by a person or by itself: its content is that image's. A database of before there were records has the
 * content of the last release in the modules that release knew of, and of others nobody knows: they are updated once.
 */
export function contentsOf(deployed: Deployment, seen: ContentsRecord | undefined): Contents {
  const meant = new Set(deployed.modules)
  const installed = seen ? new Set(seen.installed) : meant
  // Names are a database's: any of them may be that of a property that every object has.
  const served = new Map(Object.entries(deployed.addonTrees))
  const recorded = new Map(Object.entries(seen?.recorded ? seen.addons : {}))
  const treeOf = (name: string): string | undefined => {
    if (seen?.recorded) return recorded.get(name) ?? served.get(name)
    return meant.has(name) ? served.get(name) : undefined
  }
  const trees = [...installed].flatMap((name): [string, string][] => {
    const tree = treeOf(name)
    return tree === undefined ? [] : [[name, tree]]
  })
  return {
    installed,
    chosen: new Set(seen?.chosen ?? []),
    baseImage: (seen?.recorded && seen.baseImage) || deployed.baseImage,
    trees: new Map(trees),
    own: new Set([
      ...trees.map(([name]) => name),
      ...[...served.keys()].filter((name) => installed.has(name)),
    ]),
    seen: seen !== undefined,
  }
}

/** Undefined where the agent does not tell. */
export const contentsRecord = (contents: DatabaseContents | undefined): ContentsRecord | undefined =>
  contents && {
    installed: contents.installed,
    chosen: contents.chosen,
    recorded: contents.recorded,
    baseImage: contents.baseImage,
    addons: contents.addons,
    ...(contents.seenAt && { seenAt: timestampDate(contents.seenAt).toISOString() }),
  }

/** What a plan goes by, for an agent that is to make sure of it; undefined where nobody looked. */
export const plannedFrom = ({ installed, baseImage, trees, seen }: Contents) =>
  seen
    ? { installed: [...installed].sort(), recorded: true, baseImage, addons: Object.fromEntries(trees) }
    : undefined
