/** Of a downtime, for people and subjects of approvals: rather too long than too short. */
export const downtimeSeconds = (ms: number): number => Math.ceil(ms / 1_000)
