const MIB = 1024 ** 2

/** An Odoo with many modules that has answered nothing yet has 350 MiB; with less, a worker would end after each request. */
const leastSoftBytes = 384 * MIB
/** Node (rtlcss) reserves more than 1 GiB that it does not use, and what Odoo starts inherits Odoo's hard limit. */
const leastHardBytes = 1280 * MIB
/**
 * Reserved and not used: 8 MiB for the stack of each thread, and a threaded server has one for every connection that is
 * open, every browser's websocket among them. Enough for a hundred.
 */
const threadsBytes = 1024 * MIB
/** Odoo's own limits, which nobody's threads have less than. */
const odoosOwn = { soft: 2048 * MIB, hard: 2560 * MIB }

/**
 * Odoo's own limits, which it holds against the virtual memory of each process (`memory_info` and `set_limit_memory_hard`
 * of service/server.py), as the container's memory allows: past the soft one a worker ends after its request and another
 * takes its place, or the threaded server starts itself anew; past the hard one what asks for more fails. Odoo's defaults,
 * 2 and 2.5 GiB a process, know nothing of the container.
 */
export function memoryOptions(memoryBytes: number, processes: number | 'threads'): string[] {
  const { soft, hard } = processes === 'threads' ? ofThreads(memoryBytes) : ofWorkers(memoryBytes, processes)
  return [`--limit-memory-soft=${Math.floor(soft)}`, `--limit-memory-hard=${Math.floor(hard)}`]
}

/** Each its share, so that it goes before the kernel would kill. */
function ofWorkers(memoryBytes: number, processes: number) {
  const all = 0.8 * memoryBytes
  const soft = Math.min(all, Math.max(all / processes, leastSoftBytes))
  return { soft, hard: Math.max(Math.min(1.25 * soft, all), leastHardBytes) }
}

function ofThreads(memoryBytes: number) {
  return {
    soft: Math.max(0.8 * memoryBytes + threadsBytes, odoosOwn.soft),
    hard: Math.max(memoryBytes + 1.5 * threadsBytes, odoosOwn.hard),
  }
}
