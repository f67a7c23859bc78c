import { z } from 'zod'

export const hostname = z
  .string()
  .max(253)
  .regex(/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/)

export const routeSchema = z.object({
  environmentId: z.string().regex(/^[\w-]{1,100}$/),
  hostnames: z.array(hostname).min(1).max(50),
  /** Visitors come over TLS. Routes that were stored before this was asked say nothing of it. */
  https: z.boolean().default(false),
  target: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('runtime'),
      runtimeId: z.string(),
      cellId: z.string(),
      /** Name of the container, resolved at each request: an address changes with every start. */
      container: z.string(),
      workers: z.int().min(0),
    }),
    z.object({ kind: z.literal('maintenance'), message: z.string(), retryAfterSeconds: z.int().min(0) }),
  ]),
})

/** What the proxy answers for the host names of one environment. */
export type Route = z.infer<typeof routeSchema>
