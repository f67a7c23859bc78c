const MIB = 1024 ** 2

/** An Odoo with many modules that has answered nothing yet has 350 MiB; with less, a worker would end after each request. */
const leastSoftBytes = 384 * MIB
/** Node (rtlcss) reserves more than 1 GiB that it does not use, and what Odoo starts inherits Odoo's hard limit. */
const leastHardBytes = 1280 * MIB

/**
 * Odoo's own limits, which it holds against the virtual memory of each process (`memory_info` and `set_limit_memory_hard`
 * of service/server.py), as the container's memory allows: past the soft one a worker ends after its request and another
 * takes its place, past the hard one what asks for more fails, each before the kernel would kill. Odoo's defaults, 2 and
 * 2.5 GiB a process, know nothing of the container.
 */
export function memoryOptions(memoryBytes: number, processes: number): string[] {
  const all = 0.8 * memoryBytes
  const soft = Math.min(all, Math.max(all / processes, leastSoftBytes))
  const hard = Math.max(processes === 1 ? 0.95 * memoryBytes : Math.min(1.25 * soft, all), leastHardBytes)
  return [`--limit-memory-soft=${Math.floor(soft)}`, `--limit-memory-hard=${Math.floor(hard)}`]
}
