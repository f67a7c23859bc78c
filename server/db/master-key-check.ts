import pg from 'pg'
import type { Sealer } from '../sealer.ts'

/** Label of the fleet authority's key, the first thing that an installation seals. */
export const authorityLabel = 'fleet-authority'

export const wrongMasterKey = (cause?: unknown): Error =>
  new Error(
    'The master key is not the one that this database was set up with: nothing that is sealed in it would open. ' +
      'Start with the former key (FAIRWAY_MASTER_KEY, FAIRWAY_MASTER_KEY_FILE or FAIRWAY_MASTER_KEY_COMMAND); ' +
      'to change it, use `fairway-server rekey`.',
    { cause },
  )

/**
 * Throws unless the key opens what an earlier start sealed. Comes before anything is changed: the roles' passwords
 * follow from the key, and a wrong one would lock out the servers that have the right one.
 */
export async function requireSameMasterKey(ownerUrl: string, sealer: Sealer): Promise<void> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'fairway-key-check' })
  await client.connect()
  try {
    const known = await client.query("select to_regclass('authority') is not null as made")
    if (!known.rows[0]?.made) return
    const { rows } = await client.query<{ key_sealed: Buffer }>('select key_sealed from authority')
    for (const { key_sealed } of rows) {
      try {
        sealer.open(key_sealed, authorityLabel)
      } catch (error) {
        throw wrongMasterKey(error)
      }
    }
  } finally {
    await client.end()
  }
}
