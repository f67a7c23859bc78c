import type { LogSink } from '../../agent/containers/runtime-logs.ts'

/** The spool's way in, in memory. */
export function createMemorySink(): LogSink & { texts(streamId: string): string[] } {
  const lines: { streamId: string; text: string }[] = []
  const positions = new Map<string, { timestamp: string; lines: number }>()
  return {
    append(streamId, { text }, position) {
      lines.push({ streamId, text })
      if (!position) return
      const id = `${streamId} ${position.key}`
      const last = positions.get(id)
      const same = last?.timestamp === position.timestamp ? last.lines : 0
      positions.set(id, { timestamp: position.timestamp, lines: same + 1 })
    },
    position: (streamId, key) => positions.get(`${streamId} ${key}`),
    texts: (streamId) => lines.filter((line) => line.streamId === streamId).map(({ text }) => text),
  }
}
