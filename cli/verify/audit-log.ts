import { ExportDamaged, type ExportLine, readExport } from './export-lines.ts'
import type { Fault } from './fault.ts'
import { compareWithKept } from './kept-leaves.ts'
import { GrowingTree, hashLeaf } from './merkle.ts'
import { parseVerifierKey, type VerifiedNote, type VerifierKey, verifyNote } from './note.ts'

export interface Verdict {
  readonly organization: string
  /** Events in the export. */
  readonly size: number
  readonly root: string
  /** The keys that signed what was checked. */
  readonly signers: readonly string[]
  /** How many different checkpoints were checked, and how many events blob storage vouched for. */
  readonly checkpoints: number
  readonly keptLeaves: number
  /** The one with the lowest index first; none: everything is as it was signed. */
  readonly faults: readonly Fault[]
}

/** A checkpoint that somebody else kept: an auditor, a host. */
export interface OwnCheckpoint {
  readonly name: string
  readonly note: string
}

/**
 * Checks an export against itself, against what blob storage kept, and against checkpoints kept elsewhere; alone, without
 * any server. `pinned` keys replace those that the file itself names: without them a file that is forged as a whole,
 * with a key of its own, is taken for what it says. Throws for a file that cannot be read at all.
 */
export async function verifyAuditLog(
  path: string,
  { pinned = [], own = [] }: { pinned?: readonly string[]; own?: readonly OwnCheckpoint[] } = {},
): Promise<Verdict> {
  const read = await readAll(path)
  const { head, leaves, faults } = read
  const seen = { ...nothing, organization: head?.organization ?? '', size: leaves.length }
  if (!head || !read.ended) return { ...seen, faults: sorted(faults) }
  const keys = parseKeys(pinned.length > 0 ? pinned : read.keys, faults)
  const notes = verifyNotes(read, own, keys, faults)
  if (notes.length === 0 && pinned.length > 0)
    faults.push({
      index: 0,
      kind: 'unsigned',
      message: 'nothing in it is signed with the key that was given',
    })
  const rewritten = compareWithKept(leaves, read.kept)
  if (rewritten) faults.push(rewritten)
  const hole = leaves.indexOf(missing)
  const certain = Math.min(rewritten?.index ?? Infinity, hole < 0 ? Infinity : hole)
  const { root, checkpoints, fault } = compareWithNotes(leaves, notes, certain)
  if (fault) faults.push(fault)
  return {
    ...seen,
    root: root.toString('hex'),
    signers: [...new Set(notes.map(({ signer }) => signer.text))],
    checkpoints,
    keptLeaves: read.kept.length,
    faults: sorted(faults),
  }
}

const sorted = (faults: readonly Fault[]): Fault[] =>
  faults.toSorted((a, b) => (a.index ?? Infinity) - (b.index ?? Infinity))

const nothing = { root: '', signers: [], checkpoints: 0, keptLeaves: 0 }

interface Contents {
  head?: ExportLine & { kind: 'head' }
  readonly keys: string[]
  /** By index: the hash that the event had when it was placed, says the database. */
  readonly leaves: Buffer[]
  /** By index: the hash that the event has, where that is another one. */
  readonly edited: Map<number, Buffer>
  /** Indexes that were passed over, and did not come later. */
  readonly gaps: Set<number>
  readonly checkpoints: (ExportLine & { kind: 'checkpoint' })[]
  /** Leaf hashes in blob storage. */
  readonly kept: Buffer[]
  ended: boolean
  readonly faults: Fault[]
}

async function readAll(path: string): Promise<Contents> {
  const read: Contents = {
    keys: [],
    leaves: [],
    edited: new Map(),
    gaps: new Set(),
    checkpoints: [],
    kept: [],
    ended: false,
    faults: [],
  }
  try {
    for await (const line of readExport(path)) take(read, line)
  } catch (error) {
    if (!(error instanceof ExportDamaged)) throw error
    read.faults.push({
      // A line among the events is the next one of them.
      index: read.head && read.leaves.length < read.head.size ? read.leaves.length : undefined,
      kind: 'damaged',
      message: `${error.message}: somebody changed the file`,
    })
    nameEvents(read)
    return { ...read, ended: false }
  }
  const { head, leaves, faults } = read
  nameEvents(read)
  if (!head) faults.push({ kind: 'damaged', message: 'it is no export of an audit log' })
  else if (leaves.length !== head.size) {
    faults.push({
      index: Math.min(leaves.length, head.size),
      kind: 'cut',
      message: `the file has ${leaves.length} events and says it has ${head.size}`,
    })
  }
  if (!read.ended) faults.push({ kind: 'damaged', message: 'the file ends before its last line' })
  return read
}

/** Names what is wrong with single events, once all have been read. */
function nameEvents({ leaves, edited, gaps, faults }: Contents): void {
  for (const index of gaps) faults.push({ index, kind: 'deleted', message: `event ${index} is missing` })
  if (edited.size === 0) return
  // Somebody may have edited every event there is.
  const places = new Map(leaves.map((leaf, index) => [leaf.toString('hex'), index]))
  for (const [index, hash] of edited) faults.push(nameEdit(places.get(hash.toString('hex')), index))
}

function nameEdit(own: number | undefined, index: number): Fault {
  return own !== undefined
    ? {
        index,
        kind: 'reordered',
        message: `event ${index} was given the place of another one: its own is ${own}`,
      }
    : {
        index,
        kind: 'edited',
        message: `event ${index} was edited: it does not have the hash that it had when it was placed`,
      }
}

function take(read: Contents, line: ExportLine): void {
  const damaged = (message: string) => read.faults.push({ kind: 'damaged', message })
  if (read.ended) damaged('the file goes on after its last line')
  if ((line.kind === 'head') === (read.head !== undefined))
    damaged('the file does not begin with its one head line')
  switch (line.kind) {
    case 'head':
      read.head = line
      break
    case 'key':
      read.keys.push(line.key)
      break
    case 'event':
      takeEvent(read, line)
      break
    case 'checkpoint':
      read.checkpoints.push(line)
      break
    case 'leaves':
      if (line.start !== read.kept.length) damaged('the leaf hashes of blob storage have a gap')
      for (const hash of line.hashes) read.kept.push(Buffer.from(hash, 'hex'))
      break
    case 'end':
      read.ended = true
      if (!line.intact) damaged('the file was changed after the server wrote it')
  }
}

function takeEvent(read: Contents, line: ExportLine & { kind: 'event' }): void {
  const { head, leaves, edited, gaps, faults } = read
  const { index, leaf } = line
  if (index < leaves.length && leaves[index] !== missing) {
    faults.push({ index, kind: 'reordered', message: `event ${index} is there twice` })
    return
  }
  if (index < leaves.length) {
    gaps.delete(index)
    faults.push({
      index,
      kind: 'reordered',
      message: `event ${index} comes after event ${leaves.length - 1}`,
    })
  }
  // The places of those that follow a gap stand: what else is wrong is found where it is.
  while (leaves.length < Math.min(index, head?.size ?? 0)) {
    gaps.add(leaves.length)
    leaves.push(missing)
    if (gaps.size > mostGaps) throw new ExportDamaged(`more than ${mostGaps} events are missing`)
  }
  leaves[Math.min(index, leaves.length)] = Buffer.from(line.leafHash, 'hex')
  if (leaf === null) {
    faults.push({ index, kind: 'deleted', message: `event ${index} was deleted; only its hash is left` })
    return
  }
  const hash = hashLeaf(leaf)
  if (hash.toString('hex') !== line.leafHash) edited.set(index, hash)
  if (head && line.organization !== head.organization) {
    faults.push({ index, kind: 'forked', message: `event ${index} is of another organization` })
  }
}

/** A file may say of itself that it is of any size: no more than so many places are kept for what it does not hold. */
const mostGaps = 1_000_000

/** In the place of an event that is not there: the hash of nothing. */
const missing = Buffer.alloc(32)

function parseKeys(texts: readonly string[], faults: Fault[]): VerifierKey[] {
  return texts.flatMap((text) => {
    try {
      return [parseVerifierKey(text)]
    } catch (error) {
      faults.push({ kind: 'damaged', message: (error as Error).message })
      return []
    }
  })
}

interface CheckedNote extends VerifiedNote {
  /** Where it is from, for people. */
  readonly from: string
}

function verifyNotes(
  { head, checkpoints, leaves }: Contents,
  own: readonly OwnCheckpoint[],
  keys: readonly VerifierKey[],
  faults: Fault[],
): CheckedNote[] {
  const notes: CheckedNote[] = []
  /** The database and blob storage have the same ones. */
  const known = new Map<string, VerifiedNote>()
  const check = (from: string, note: string, size?: number) => {
    try {
      const verified = known.get(note) ?? verifyNote(note, keys)
      known.set(note, verified)
      if (verified.origin !== head!.origin) throw new Error(`it is one of ${verified.origin}`)
      if (size !== undefined && verified.size !== size)
        throw new Error(`it is listed as one over ${size} events`)
      notes.push({ ...verified, from })
    } catch (error) {
      faults.push({ kind: 'damaged', message: `${from}: ${(error as Error).message}` })
    }
  }
  for (const { note, from, size } of checkpoints)
    check(`the checkpoint of ${from} over ${size} events`, note, size)
  for (const { note, name } of own) check(name, note)
  // A busy year has half a million checkpoints: more than a call takes arguments.
  const covered = notes.reduce((most, { size }) => Math.max(most, size), 0)
  if (covered < leaves.length) {
    faults.push({
      index: covered,
      kind: 'unsigned',
      message: `no checkpoint covers the events from ${covered} on`,
    })
  }
  return notes
}

/**
 * Holds the events' tree against every checkpoint, each at its size. The first one that it does not fit is the fault,
 * unless an event below its size is known to be another one: that explains it.
 */
function compareWithNotes(
  leaves: readonly Buffer[],
  notes: readonly CheckedNote[],
  certain: number,
): { root: Buffer; checkpoints: number; fault?: Fault } {
  const tree = new GrowingTree()
  const known = new Set<string>()
  let fault: Fault | undefined
  let good = 0
  for (const { size, root, from } of [...notes].sort((a, b) => a.size - b.size)) {
    known.add(`${size} ${root.toString('hex')}`)
    while (tree.size < Math.min(size, leaves.length)) tree.add(leaves[tree.size]!)
    if (fault || certain < size) continue
    if (size > leaves.length) {
      const message = `the tail was cut: ${from} has signed for ${size} events, and there are ${leaves.length}`
      fault = { index: leaves.length, kind: 'cut', message }
    } else if (tree.root().equals(root)) {
      good = size
    } else {
      const message = `the events are not those that ${from} has signed: the first other one is from ${good} to ${size - 1}`
      fault = { index: good, kind: 'forked', message }
    }
  }
  while (tree.size < leaves.length) tree.add(leaves[tree.size]!)
  return { root: tree.root(), checkpoints: known.size, fault }
}
