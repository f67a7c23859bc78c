import { constants } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { READER, WRITER } from './names.ts'

/**
 * Who may connect. Over the Unix socket only root of the host (the agent) and PostgreSQL's own user (docker exec), and as
 * whom: the superuser, and our own roles in Odoo's database. None of these has a password at all. Odoo: over the cell's
 * network, by password.
 */
export const HBA = `local all  postgres peer map=fairway
local odoo ${READER} peer map=fairway
local odoo ${WRITER} peer map=fairway
host  all  postgres all reject
host  all  ${READER} all reject
host  all  ${WRITER} all reject
host  all  all      all scram-sha-256
`
// pg_dump runs as PostgreSQL's own user, in a container beside the server.
export const IDENT = `fairway root     postgres
fairway postgres postgres
fairway root     ${READER}
fairway postgres ${READER}
fairway root     ${WRITER}
`

/**
 * Writes both files into a data directory. It belongs to a server that strangers' code talks to: nothing in it is
 * followed, and what we write we have made.
 */
export async function writeAccessRules(
  dataDir: string,
  { uid, gid }: { uid: number; gid: number },
): Promise<void> {
  const directory = await open(dataDir, constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const inside = `/proc/self/fd/${directory.fd}`
    for (const [name, content] of Object.entries({ 'pg_hba.conf': HBA, 'pg_ident.conf': IDENT })) {
      const draft = `${inside}/${name}.fairway`
      await unlink(draft).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
      })
      const file = await open(draft, 'wx', 0o600)
      try {
        await file.writeFile(content)
        await file.chown(uid, gid)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(draft, `${inside}/${name}`)
    }
    await directory.sync()
  } finally {
    await directory.close()
  }
}
