/** One line of a benchmark: a figure of ours beside a peer's, measured in the same run on the same machine. */
export interface Row {
  /** As in PERFORMANCE.md, with a suffix where one goal has several lines: `P1 btrfs 4 GB`. */
  id: string
  what: string
  ours: number
  peer: number
  peerName: string
  unit: 's' | 'ms' | 'MB' | 'MB/s' | '1/s' | 'bytes' | '%'
  /** Said by `goal`: usually how many times better than the peer. */
  ratio: number
  goal: string
  /** CPU seconds of the whole machine, ours and the peer's. */
  cpu?: { ours: number; peer: number }
}

/** What a file `test/bench/<name>.ts` exports as `bench`. */
export interface Benchmark {
  /** @param args what follows the name on the command line. @returns rows, and how many runs the medians are of. */
  run(args: string[]): Promise<{ runs: number; rows: Row[] }>
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = Number.NaN] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}
