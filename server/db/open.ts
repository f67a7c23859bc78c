import type { Config } from '../config.ts'
import type { Logger } from '../logger.ts'
import type { Sealer } from '../sealer.ts'
import { type Databases, openDatabases } from './databases.ts'
import { startEmbeddedPostgres } from './embedded.ts'
import { requireBoundRoles } from './guard.ts'
import { requireSameMasterKey, wrongMasterKey } from './master-key-check.ts'
import { migrate } from './migrate.ts'
import { rolePasswords, roleUrls } from './roles.ts'

/** SQLSTATE. The owner's password of the embedded database follows from the master key. */
const passwordRefused = '28P01'

/** A migrated database with bound roles, embedded or given. `close` ends the pools and an embedded PostgreSQL. */
export async function openControlPlaneDatabase(
  config: Config,
  sealer: Sealer,
  log: Logger,
): Promise<Databases> {
  const embedded = config.databaseUrl
    ? undefined
    : await startEmbeddedPostgres({
        dataDir: config.dataDir,
        port: config.embeddedPostgresPort,
        password: sealer.derive('postgres-owner'),
        log,
      }).catch((error: { code?: unknown }) => {
        throw error.code === passwordRefused ? wrongMasterKey(error) : error
      })
  const ownerUrl = config.databaseUrl ?? (embedded?.ownerUrl as string)
  try {
    await requireSameMasterKey(ownerUrl, sealer)
    const passwords = rolePasswords(sealer)
    const { applied } = await migrate(ownerUrl, passwords)
    if (applied.length > 0) log.info({ applied }, 'database migrated')
    const urls = {
      ...roleUrls(config.databasePoolUrl ?? ownerUrl, passwords),
      listen: roleUrls(ownerUrl, passwords).app,
    }
    const databases = openDatabases(urls, (error) => log.warn({ err: error }, 'database connection lost'))
    try {
      await requireBoundRoles(databases)
    } catch (error) {
      await databases.close()
      throw error
    }
    return {
      ...databases,
      async close() {
        await databases.close()
        await embedded?.stop()
      },
    }
  } catch (error) {
    await embedded?.stop()
    throw error
  }
}
