import { z } from 'zod'
import { invalid } from '../errors.ts'
import { isSlug } from '../services/projects/project-fields.ts'

export const slugSchema = z.string().refine(isSlug)

export const commitSchema = z.string().regex(/^[0-9a-f]{40}$/)
export const refSchema = z.string().max(300)
export const nameSchema = z.string().max(300)
/** E-mail address, or what stands in its place. */
export const emailSchema = z.string().max(300).nullish()

/** A time in ISO 8601, or in seconds since 1970; undefined for all else. */
export function parseTime(value: unknown): Date | undefined {
  const isText = typeof value === 'string' && /^(19|20)\d\d-\d\d-\d\dT/.test(value)
  const isSeconds = typeof value === 'number' && value > 0 && value < 4e9
  if (!isText && !isSeconds) return undefined
  const time = new Date(typeof value === 'number' ? value * 1_000 : value)
  return Number.isNaN(time.getTime()) ? undefined : time
}

/** Throws `invalid-payload`, naming the fields that are not as `forge` sends them. */
export function parseAs<T>(schema: z.ZodType<T>, payload: unknown, forge: string): T {
  const { data, error } = schema.safeParse(payload)
  if (!error) return data
  const fields = [...new Set(error.issues.map(({ path }) => path.join('.') || 'all of it'))]
  throw invalid('payload', `The payload is not as ${forge} sends it: ${fields.slice(0, 5).join(', ')}.`)
}

/** Throws `invalid-payload`. */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw invalid('payload', 'The payload is not JSON. Set the webhook’s content type to application/json.')
    }
    throw error
  }
}
