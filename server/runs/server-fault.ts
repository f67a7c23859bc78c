/** Where the server came upon a bug of its own while a run put things back, or tidied up. */
export interface FaultPlace {
  /** What was tidied up, which is then left as it is; undefined: it put things back, which is tried again. */
  readonly left: string | undefined
  readonly step: string
  /** How the run had failed before; empty: it had not. */
  readonly failure: string
}

/** A bug of ours that must not end the run: whoever advances it puts on record what comes of it. `cause` is the bug. */
export class ServerFault extends Error {
  override name = 'ServerFault'
  readonly place: FaultPlace
  constructor(place: FaultPlace, cause: unknown) {
    super('a fault of the server', { cause })
    this.place = place
  }
}

/** The effect that says that a fault came up in tidying that up: it is left as it is. */
export const leftKey = (what: string): string => `left:${what}`
