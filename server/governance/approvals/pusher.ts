import { pollActor } from '../poll-actor.ts'

/** Who began a run, and, where a poll did, who pushed what it saw. */
interface Begun {
  readonly requested_by: string
  /** Empty: nobody told. */
  readonly pushed_by: string
}

/** Whether a run is of a push, and nobody knows whose: a poll saw it and no delivery came, or one came that names nobody. */
export const isPusherUnknown = ({ requested_by, pushed_by }: Begun): boolean => {
  const actor = pushed_by || requested_by
  return actor === pollActor || /^(?!member:)[a-z]+:unknown$/.test(actor)
}

/** What whoever decides is told. */
export const pusherUnknownNote = 'who pushed is not known'
