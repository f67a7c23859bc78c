import { type Member, textMember } from './member.ts'

/** Events in the tree that a signed checkpoint is over. */
export interface ProvenEvents {
  /** C2SP signed note. */
  readonly checkpoint: string
  readonly size: number
  readonly events: readonly ProvenEvent[]
}

export interface ProvenEvent {
  readonly index: number
  /** Canonical JSON: the bytes that the leaf's hash is over. */
  readonly leaf: string
  readonly proof: readonly Buffer[]
}

/** The checkpoint, and each event beside its proof (c2sp.org/tlog-proof). */
export const auditMembers = ({ checkpoint, events }: ProvenEvents): Member[] => [
  textMember('audit/checkpoint', checkpoint),
  ...events.flatMap(({ index, leaf, proof }) => [
    textMember(`audit/${index}.json`, leaf),
    textMember(
      `audit/${index}.tlog-proof`,
      [
        'c2sp.org/tlog-proof@v1',
        `index ${index}`,
        ...proof.map((hash) => hash.toString('base64')),
        '',
        checkpoint,
      ].join('\n'),
    ),
  ]),
]
