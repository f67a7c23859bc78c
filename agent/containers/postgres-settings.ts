import type { Stage } from '../storage/records.ts'

const MIB = 1024 * 1024

/**
 * PostgreSQL's settings, given on its command line so that a clone never inherits its source's.
 * Nowhere is durability of data relaxed (fsync, full_page_writes stay on). Outside production the last
 * fraction of a second before a crash may be lost (synchronous_commit), and memory is small, so that many fit on a host.
 */
export function postgresSettings(stage: Stage, memoryBytes: number, major: number): Record<string, string> {
  const production = stage === 'production'
  const sharedBuffers = production ? Math.max(32 * MIB, memoryBytes / 4) : Math.min(64 * MIB, memoryBytes / 8)
  return {
    listen_addresses: '*',
    unix_socket_directories: '/run/fairway',
    unix_socket_permissions: '0777',
    logging_collector: 'off',
    log_destination: 'stderr',
    jit: 'off',
    max_connections: production ? '100' : '60',
    shared_buffers: megabytes(sharedBuffers),
    effective_cache_size: megabytes(memoryBytes / 2),
    maintenance_work_mem: megabytes(Math.min(256 * MIB, memoryBytes / 8)),
    max_wal_size: production ? '2GB' : '1GB',
    wal_level: 'replica',
    max_wal_senders: '4',
    max_replication_slots: '4',
    // After an unclean stop one syncfs instead of opening every file: measured 4.5 s against 8.0 s on 6 GB.
    ...(major >= 14 ? { recovery_init_sync_method: 'syncfs' } : {}),
    ...(production
      ? { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' }
      : { synchronous_commit: 'off', max_parallel_workers_per_gather: '0', autovacuum_max_workers: '2' }),
  }
}

function megabytes(bytes: number): string {
  return `${Math.max(1, Math.floor(bytes / MIB))}MB`
}

/** Arguments of initdb; ICU and glibc locales change their order under an image, the built-in one (17 and later) never. */
export function initdbArguments(dataDir: string, major: number): string[] {
  return [
    `--pgdata=${dataDir}`,
    '--username=postgres',
    '--encoding=UTF8',
    '--data-checksums',
    '--auth-local=peer',
    '--auth-host=reject',
    ...(major >= 17
      ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C.UTF-8']
      : ['--locale=C.UTF-8']),
  ]
}
