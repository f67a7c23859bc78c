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

/** What the owner of an embedded database logs in with. */
export const ownerPassword = (sealer: Sealer): string => sealer.derive('postgres-owner')

/**
 * The owner's URL of the database, embedded or given, for whose content this master key is the right one; `close` ends
 * an embedded PostgreSQL.
 */
export async function openOwnerUrl(
  config: Config,
  sealer: Sealer,
  log: Logger,
): Promise<{ url: string; takenOver: boolean; close(): Promise<void> }> {
  const embedded = config.databaseUrl
    ? undefined
    : await startEmbeddedPostgres({
        dataDir: config.dataDir,
        port: config.embeddedPostgresPort,
        password: ownerPassword(sealer),
        log,
      }).catch((error: { code?: unknown }) => {
        throw error.code === passwordRefused ? wrongMasterKey(error) : error
      })
  const url = config.databaseUrl ?? (embedded?.ownerUrl as string)
  try {
    await requireSameMasterKey(url, sealer)
  } catch (error) {
    if (!embedded?.takenOver) await embedded?.stop()
    throw error
  }
  return { url, takenOver: embedded?.takenOver ?? false, close: async () => embedded?.stop() }
}

/** A migrated database with bound roles, embedded or given. `close` ends the pools and an embedded PostgreSQL. */
export async function openControlPlaneDatabase(
  config: Config,
  sealer: Sealer,
  log: Logger,
): Promise<Databases> {
  const owner = await openOwnerUrl(config, sealer, log)
  const ownerUrl = owner.url
  try {
    const passwords = rolePasswords(sealer)
    const { applied, roles } = await migrate(ownerUrl, passwords)
    if (applied.length > 0) log.info({ applied }, 'database migrated')
    for (const notice of roles.notices) log.warn({ notice }, 'database roles')
    const urls = {
      ...roleUrls(config.databasePoolUrl ?? ownerUrl, roles.names, passwords),
      listen: roleUrls(ownerUrl, roles.names, passwords).app,
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
        await owner.close()
      },
    }
  } catch (error) {
    await owner.close()
    throw error
  }
}
