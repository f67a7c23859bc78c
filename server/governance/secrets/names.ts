import { variableNamePattern, whyReserved } from '../../../lib/environment/reserved-names.ts'
import { DomainError, invalid } from '../../errors.ts'

const maxValueBytes = 32 * 1024
/** Of all secrets of a project together: they become one process environment. */
export const maxProjectBytes = 1024 * 1024

/** Throws `invalid-name`. */
export function requireSecretName(name: string): void {
  if (!variableNamePattern.test(name)) {
    throw invalid(
      'name',
      `${JSON.stringify(name.slice(0, 80))} is no name of a secret: write it like an environment variable, ` +
        'in capital letters, digits and _ (at most 64), as in STRIPE_API_KEY.',
    )
  }
  const reserved = whyReserved(name)
  if (reserved) throw invalid('name', reserved)
}

/** Throws `invalid-value`; never says the value. */
export function requireSecretValue(value: string): void {
  if (value.length === 0)
    throw invalid('value', 'The value is empty. To take a secret away: `fairway secret delete`.')
  const bytes = Buffer.byteLength(value)
  if (bytes > maxValueBytes) {
    throw invalid('value', `The value has ${bytes} bytes; ${maxValueBytes} is the most a secret can have.`)
  }
  if (value.includes('\0')) {
    throw invalid(
      'value',
      'The value holds a NUL byte, which no environment variable can. Encode it in base64.',
    )
  }
}

export const tooMuch = (project: string) =>
  new DomainError(
    'limit',
    'secrets-too-large',
    `The secrets of ${project} would be more than ${maxProjectBytes / 1024} KiB together: ` +
      'delete what is not needed any more.',
  )
