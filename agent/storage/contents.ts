import { z } from 'zod'

const name = z.string().min(1).max(200)

/**
 * With which code a database was made what it is: what a person installs in Apps later is not in it, and neither is what a
 * program did in a shell. It lies beside the data, and goes with them into snapshots, clones and dumps and back, so that
 * former data come with their former contents. Absent: not known.
 */
export const contentsSchema = z.object({
  /** The base image whose modules it has, of the first installation or the last update of all. */
  baseImage: z.string().max(500),
  /** Addon of the project → git tree id of its folder when it was last installed or updated here. */
  addons: z.record(name, z.string().max(200)),
})
export type Contents = z.infer<typeof contentsSchema>
