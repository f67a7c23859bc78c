import type { Sealer } from '../sealer.ts'

/** The administrator's password in a copy of production, or in a new one: made by the agent, for that one cell. */
export const administratorLabel = (cellId: string) => `administrator:${cellId}`

export const sealAdministrator = (sealer: Sealer, cellId: string, password: string): Buffer =>
  sealer.seal(Buffer.from(password), administratorLabel(cellId))

export const openAdministrator = (sealer: Sealer, cellId: string, sealed: Uint8Array): string =>
  sealer.open(sealed, administratorLabel(cellId)).toString()

const unaskedDays = 30
const againMinutes = 15

/** How long a new production's password waits for somebody to ask for it. */
export const unaskedUntil = (): Date => new Date(Date.now() + unaskedDays * 24 * 3_600_000)

/** Whoever was shown it may ask again until then: an answer may be lost on its way. */
export const againUntil = (): Date => new Date(Date.now() + againMinutes * 60_000)
