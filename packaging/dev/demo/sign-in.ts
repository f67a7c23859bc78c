import type { OdooAddress } from './odoo-client.ts'
import type { Stack } from './stack.ts'

/** What was shown once: a new production's password is told to whoever asks first, and kept nowhere. */
const shown = new WeakMap<object, Map<string, string>>()

/** Where an environment answers, and with the password that was made for it where one was. */
export async function readSignIn(stack: Stack, project: string, name: string): Promise<OdooAddress> {
  const known = shown.get(stack) ?? new Map<string, string>()
  shown.set(stack, known)
  const { url, password, until } = await stack.cliJson<{ url: string; password?: string; until?: string }>(
    'env',
    'open',
    project,
    name,
  )
  const key = `${project}/${name}`
  if (password && until) known.set(key, password)
  const own = password ?? known.get(key)
  return { url, ...(own && { password: own }) }
}
