/** Of a downtime, for people and subjects of approvals: rather too long than too short. */
export const downtimeSeconds = (ms: number): number => Math.ceil(ms / 1_000)

/** What the checks of a rehearsal say that production's will take: after a rehearsal nobody waits for bundles there. */
export const checksMs = (checks: readonly { readonly name: string; readonly durationMs: bigint }[]): number =>
  checks
    .filter(({ name }) => name !== 'web client')
    .reduce((sum, { durationMs }) => sum + Number(durationMs), 0)
