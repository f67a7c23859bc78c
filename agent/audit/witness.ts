import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Checkpoint, CheckpointAckSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { Logger } from '../logger.ts'
import type { CheckpointStore, KeptCheckpoint } from './checkpoint-store.ts'
import { extendsTree } from './consistency.ts'
import { openCheckpoint } from './note.ts'

type Ack = MessageInitShape<typeof CheckpointAckSchema>

/** Keeps the newest checkpoint, and refuses every one that does not extend it: history that was rewritten. */
export interface Witness {
  /** Of the checkpoint that is kept; 0: none. */
  keptSize(): bigint
  /** The answer to the server; undefined where the disk did not take it, so that it is sent again. */
  take(message: Checkpoint): Ack | undefined
}

/**
 * The first verifier key it is told is pinned. Another one takes its place only with a note that both have signed, as
 * every checkpoint after a change of keys is; otherwise a person has to make the agent forget the old one
 * (`fairway-agent checkpoint --forget`).
 */
export function createWitness(store: CheckpointStore, log: Logger): Witness {
  const judge = (kept: KeptCheckpoint | undefined, message: Checkpoint): Ack => {
    const { note, verifierKey } = message
    const offered = openCheckpoint(note, verifierKey)
    const keep = (): Ack => {
      store.write({ verifierKey, note, takenAt: new Date().toISOString() })
      return { size: BigInt(offered.size) }
    }
    if (!kept) return keep()
    if (verifierKey !== kept.verifierKey) openCheckpoint(note, kept.verifierKey)
    const known = openCheckpoint(kept.note, kept.verifierKey)
    const same = offered.size === known.size && offered.root.equals(known.root)
    if (same) return kept.refused || verifierKey !== kept.verifierKey ? keep() : { size: BigInt(known.size) }
    // Meant for another state than ours: another server was quicker. The answer says which proof we need.
    if (Number(message.fromSize) !== known.size) return { size: BigInt(known.size) }
    if (offered.size < known.size) {
      throw new Error(
        `it has ${offered.size} events, and this host keeps one of ${known.size}: the tail was cut`,
      )
    }
    if (extendsTree(known, offered, message.consistencyProof)) return keep()
    throw new Error(
      `over ${offered.size} events it does not extend the one of ${known.size} that this host keeps: ` +
        'history was rewritten',
    )
  }

  return {
    keptSize() {
      try {
        const kept = store.read()
        return kept ? sizeOf(kept) : 0n
      } catch (error) {
        // Whatever is sent is refused, with that reason.
        log.error({ err: error }, 'the audit checkpoint cannot be read')
        return 0n
      }
    },
    take(message) {
      let kept: KeptCheckpoint | undefined
      try {
        kept = store.read()
        return judge(kept, message)
      } catch (error) {
        if (isDiskFault(error)) {
          log.error({ err: error }, 'an audit checkpoint could not be kept: the disk takes no writes')
          return undefined
        }
        const reason = (error as Error).message
        log.error({ reason, note: message.note }, 'an audit checkpoint was refused')
        if (kept) remember(kept, message.note, reason)
        return { size: this.keptSize(), refusal: reason }
      }
    },
  }

  function remember(kept: KeptCheckpoint, note: string, reason: string): void {
    if (kept.refused?.note === note) return
    try {
      store.write({ ...kept, refused: { note, reason, at: new Date().toISOString() } })
    } catch (error) {
      // What is kept still stands, and the server is told all the same.
      log.error({ err: error }, 'a refusal could not be noted')
    }
  }
}

const sizeOf = ({ note, verifierKey }: KeptCheckpoint) => BigInt(openCheckpoint(note, verifierKey).size)

/** A failing call of the operating system, unlike anything that is wrong with a checkpoint. */
const isDiskFault = (error: unknown) => typeof (error as { syscall?: unknown }).syscall === 'string'
