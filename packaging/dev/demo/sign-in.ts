import type { OdooAddress } from './odoo-client.ts'
import type { Stack } from './stack.ts'

/** Where an environment answers, and with the password that was made for it where one was: copies of production have one. */
export async function readSignIn(stack: Stack, project: string, name: string): Promise<OdooAddress> {
  const { url, password } = await stack.cliJson<{ url: string; password?: string }>(
    'env',
    'open',
    project,
    name,
  )
  return { url, ...(password && { password }) }
}
