import type { Sealer } from '../sealer.ts'

/** The administrator's password in a copy of production: made by the agent, for that one cell. */
export const administratorLabel = (cellId: string) => `administrator:${cellId}`

export const sealAdministrator = (sealer: Sealer, cellId: string, password: string): Buffer =>
  sealer.seal(Buffer.from(password), administratorLabel(cellId))

export const openAdministrator = (sealer: Sealer, cellId: string, sealed: Uint8Array): string =>
  sealer.open(sealed, administratorLabel(cellId)).toString()
