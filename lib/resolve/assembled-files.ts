import type { OddName } from '../repository/tree/odd-names.ts'

/** A project's files on disk, as far as they are judged; those of its sources lie in `sourcesFolder`. */
export interface AssembledFiles {
  readonly placed: readonly {
    /** `.fairway-sources/sale-workflow` */
    readonly path: string
    readonly url: string
    /** `oca_dependencies.txt:3` */
    readonly declaredIn: string
  }[]
  /** Of the project and all that is placed in it, as the others. */
  oddNames(): readonly OddName[]
  /** Files that are pointers of Git LFS. */
  lfsPointers(): readonly string[]
  /** Symbolic links. */
  links(): readonly string[]
}
