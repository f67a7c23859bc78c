import { constants } from 'node:fs'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import type { HostileDatabase } from '../database/hostile-database.ts'
import type { Cell } from '../storage/records.ts'
import { credentialLike, type Idea, where } from './rule.ts'
import { literal, type Schema } from './schema.ts'

/** Models whose files are private keys, or certificates that may have one in them (PKCS#12). */
const models = [
  'certificate.key',
  'certificate.certificate',
  'l10n_es_edi.certificate',
  'l10n_es_edi_facturae.certificate',
  'l10n_mx_edi.certificate',
  'l10n_cl.certificate',
  'l10n_pe_edi.certificate',
  'l10n_ec_edi.certificate',
  'account_edi_proxy_client.user',
  'auth.saml.provider',
]

const columns = ['res_model', 'res_field', 'store_fname', 'db_datas', 'checksum', 'index_content']
const isKey = `res_field is not null
  and (res_model in (${models.map(literal).join(', ')}) or res_field ~* ${literal(credentialLike.source)})`

/** Odoo keeps files of records as attachments, and those in its filestore. */
export const keyFiles: Idea = (schema) =>
  where(schema, 'ir_attachment', columns, {
    name: 'no file of a private key',
    change: `update public.ir_attachment set store_fname = null, db_datas = null, checksum = null, index_content = null
              where ${isKey} and (store_fname is not null or db_datas is not null)`,
    offences: `select res_model as item from public.ir_attachment
                where ${isKey} and (store_fname is not null or db_datas is not null)`,
  })

/**
 * Deletes these files from a copy's filestore. It comes before the rows change: after a crash the rows still say which
 * they are. A file that something else shares (the name is its content's hash) goes as well.
 */
export async function deleteKeyFiles(database: HostileDatabase, schema: Schema, cell: Cell): Promise<void> {
  if (!schema.has('ir_attachment', ...columns)) return
  const { rows } = await database.query<{ name: string }>(
    `select distinct store_fname as name from public.ir_attachment where ${isKey} and store_fname is not null`,
  )
  const root = await open(cell.paths.filestore, constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    for (const { name } of rows) await deleteIn(root, name)
  } finally {
    await root.close()
  }
}

/** Odoo's own containers write there: only names as Odoo makes them, and no link is followed. */
async function deleteIn(root: FileHandle, name: string): Promise<void> {
  const [, folder, file] = /^([0-9a-f]{2})\/([0-9a-f]{40})$/.exec(name) ?? []
  if (!folder || !file) return
  let directory: FileHandle
  try {
    directory = await open(`/proc/self/fd/${root.fd}/${folder}`, constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return
    throw error
  }
  try {
    await unlink(`/proc/self/fd/${directory.fd}/${file}`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    await directory.close()
  }
}
