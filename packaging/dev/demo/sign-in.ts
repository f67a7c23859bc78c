import { readFile, writeFile } from 'node:fs/promises'
import type { OdooAddress } from './odoo-client.ts'
import type { Stack } from './stack.ts'

/** Where an environment answers, and with the password that was made for it where one was. */
export async function readSignIn(stack: Stack, project: string, name: string): Promise<OdooAddress> {
  const { url, password, until } = await stack.cliJson<{ url: string; password?: string; until?: string }>(
    'env',
    'open',
    project,
    name,
  )
  const key = `${project}/${name}`
  // A new production's is told once and kept by the server no longer than it takes: whoever asked has to.
  if (password && until) await keep(stack, key, password)
  const own = password ?? (await readKept(stack))[key]
  return { url, ...(own && { password: own }) }
}

const fileOf = (stack: Stack) => stack.path('passwords.json')

async function readKept(stack: Stack): Promise<Record<string, string>> {
  try {
    return JSON.parse(await readFile(fileOf(stack), 'utf8')) as Record<string, string>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

async function keep(stack: Stack, key: string, password: string): Promise<void> {
  const kept = { ...(await readKept(stack)), [key]: password }
  await writeFile(fileOf(stack), JSON.stringify(kept), { mode: 0o600 })
}
