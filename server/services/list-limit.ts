const byDefault = 50
const most = 500

/** How many rows a list gives: as many as were asked for (0: 50), and never more than 500. */
export const listLimit = (wanted: number): number => Math.min(wanted || byDefault, most)
