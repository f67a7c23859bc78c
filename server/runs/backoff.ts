const firstMs = 5_000
const mostMs = 300_000

/** How long to wait after so many attempts that failed: 5 s, 10 s, 20 s, … and 5 minutes from the seventh on. */
export const backoffMs = (attempts: number): number => Math.min(firstMs * 2 ** (attempts - 1), mostMs)
