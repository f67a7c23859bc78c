import { requireConfirmed } from './confirm.ts'

/** Deliveries that are signed with the old secret are refused from then on. Throws as `requireConfirmed` does. */
export async function confirmRotation(project: string, yes: boolean, signal: AbortSignal): Promise<void> {
  await requireConfirmed(`Make a new secret for ${project}’s webhook, and end the old one?`, yes, signal)
}
