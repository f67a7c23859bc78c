/** One thing that a pipeline asks the engine for. */
export interface Command {
  readonly type: 'step' | 'task' | 'effect'
  /** Unique among those of its type in the run. */
  readonly key: string
  /** Of a task. */
  readonly kind?: string
}

export interface RecordedCommand extends Command {
  /** Its place among the run's commands; null: of before they had one, or asked for inside another. */
  readonly ordinal: number | null
}

/** The pipeline does not ask for what is on record: it is another one than the run began with. */
export class Mismatch extends Error {
  override name = 'Mismatch'
}

/**
 * What a run has asked for, in its order, and how far a replay has come in it. A replay that asks for anything else, or for
 * the same in another order, is none of this run: whatever it did next would be done to an environment that it knows
 * nothing of.
 *
 * Commands come one after another, never two at once: their order would be by chance. One that is asked for again is
 * answered as the first time, and has no place of its own. What has no ordinal is compared by its key alone.
 */
export class History {
  readonly #byOrdinal = new Map<number, RecordedCommand>()
  readonly #byName = new Map<string, RecordedCommand>()
  readonly #asked = new Set<string>()
  /** Tasks and effects without an ordinal that were not asked for yet, by name. */
  readonly #unordered = new Map<string, RecordedCommand>()
  /** Effects that came up before they were kept, by key. */
  readonly #neverKept = new Set<string>()
  #next = 0

  /** @param isFormer The run began before commands had a place. */
  constructor(commands: Iterable<RecordedCommand>, isFormer: boolean) {
    for (const command of commands) {
      this.#byName.set(nameOf(command), command)
      if (command.ordinal !== null) this.#byOrdinal.set(command.ordinal, command)
      // An effect without a place is a part of another, unless none had one.
      else if (command.type === 'task' || (command.type === 'effect' && isFormer))
        this.#unordered.set(nameOf(command), command)
    }
  }

  /** Whether the replay has come to the end of what is on record. */
  get isAtEnd(): boolean {
    return !this.#hasMore && this.#unordered.size === 0
  }

  /**
   * Whether the run came past the first place that asks for the effect when nobody kept it. It is not kept at a later place
   * either: the next replay would find it on record at the first, and nothing would fit any more.
   */
  cameBefore(key: string): boolean {
    if (this.#byName.has(nameOf({ type: 'effect', key }))) return false
    if (!this.isAtEnd) this.#neverKept.add(key)
    return this.#neverKept.has(key)
  }

  /** The pipeline asks for it. Throws Mismatch where the record says something else. */
  ask(command: Command): void {
    const name = nameOf(command)
    if (this.#asked.has(name)) return
    const recorded = this.#byName.get(name)
    if (!recorded) {
      this.#requireEnd(command)
      return
    }
    if (recorded.ordinal === null) this.#unordered.delete(name)
    else if (recorded.ordinal !== this.#next) throw this.#mismatch(command)
    else this.#next++
    if (recorded.kind !== command.kind) throw this.#mismatch(command)
    this.#asked.add(name)
  }

  /** It was new, and is on record from now on; gives its place. */
  add(command: Command): number {
    const ordinal = this.#next++
    this.#asked.add(nameOf(command))
    return ordinal
  }

  /** Nothing new is asked for while something of the record was not; former effects may be parts of others. */
  #requireEnd(command: Command): void {
    const [missing] = [...this.#unordered.values()].filter(({ type }) => type === 'task')
    if (this.#hasMore || missing) throw this.#mismatch(command, missing)
  }

  get #hasMore(): boolean {
    return this.#next < this.#byOrdinal.size
  }

  #mismatch(command: Command, missing?: RecordedCommand): Mismatch {
    const expected = this.#byOrdinal.get(this.#next) ?? missing
    const recorded = expected ? wordsOf(expected) : 'nothing more'
    return new Mismatch(
      `as command ${this.#next + 1} the run has ${recorded} on record, and this server asks for ${wordsOf(command)}`,
    )
  }
}

const nameOf = ({ type, key }: Command): string => `${type} ${key}`

const wordsOf = ({ type, key, kind }: Command): string =>
  kind ? `the ${type} ${key} (${kind})` : `the ${type} ${key}`
