import { isAddressOfNoOne, isPlaceholder, isPublished } from './examples.ts'
import { type Severity, severityOf } from './rules.ts'

export interface Judgement {
  readonly severity: Severity
  /** For people, why it is less grave than its rule says; empty: it is not. */
  readonly note: string
}

/**
 * Rules that go by a form which keys made for a test have as well: what they find among tests, demo data or documentation is
 * seldom in use anywhere. All others go by what a provider writes into the keys that it gives out, and stay as grave.
 */
const formsOnly: ReadonlySet<string> = new Set(['privatekey/PrivateKey', 'aws/AWSSecretAccessKey'])

/** Rules that find addresses with a password in them. */
const addresses = /^(?:basicauth|database-connection-string)\//

const besideCode =
  /^(?:tests?|testing|__tests__|specs?|fixtures?|testdata|test[-_]data|examples?|samples?|demo|docs?|documentation|mocks?|cassettes|readme)$/i
const besideCodeFile =
  /^(?:test_.*\.py|conftest\.py|readme.*|.*[._-](?:test|spec)\.[a-z]+|.*\.(?:example|sample|dist|md|rst|po|pot))$/i

/** Whether a path is of tests, demo data or documentation, by its folders' names or its own. */
export function isBesideCode(path: string): boolean {
  const parts = path.split('/')
  const name = parts.pop() ?? ''
  return besideCodeFile.test(name) || parts.some((part) => besideCode.test(part))
}

/**
 * Whether a value that looks like a secret is one of those that are written where no secret is. What has a provider's mark in
 * it is a published one or none.
 */
function isExample(rule: string, value: string): boolean {
  if (addresses.test(rule)) return isAddressOfNoOne(value)
  return formsOnly.has(rule) ? isPlaceholder(value) : isPublished(value)
}

/** How grave it is that a file of that path holds the value which a rule found. */
export function judge(rule: string, path: string, value: string): Judgement {
  const severity = severityOf(rule)
  if (isExample(rule, value)) return { severity: 'low', note: 'an example or a placeholder' }
  const grave = severity === 'critical' || severity === 'high'
  if (grave && formsOnly.has(rule) && isBesideCode(path)) {
    return { severity: 'medium', note: 'among tests, demo data or documentation' }
  }
  return { severity, note: '' }
}
