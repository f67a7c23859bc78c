import { isMap, isNode, isScalar, type Document as YamlDocument } from 'yaml'
import { z } from 'zod'
import { findNearest } from '../../../lib/words/nearest.ts'
import { readYamlDocument } from '../../../lib/yaml/read-yaml.ts'
import { DomainError } from '../../errors.ts'
import { type PolicyDocument, policySchema } from './document.ts'

const maxBytes = 64 * 1024
/** More would bury the first. */
const mostShown = 20

/**
 * A policy from YAML, every default filled in. Throws `invalid-policy` naming every fault with line, column, key and
 * the key that was probably meant.
 */
export function parsePolicy(text: string): PolicyDocument {
  if (Buffer.byteLength(text) > maxBytes) throw invalidPolicy([`larger than ${maxBytes / 1024} KiB`])
  // A policy needs no tags and no merge keys: plain values only, in the core schema.
  const options = { version: '1.2', schema: 'core', resolveKnownTags: false } as const
  const { document, ...yaml } = readYamlDocument(text, options)
  const at = (offset: number) => {
    const { line, column } = yaml.at(offset)
    return `line ${line}, column ${column}`
  }
  const faults = yaml.faultsOf(document, mostShown)
  if (faults.count > 0)
    throw invalidPolicy(
      faults.first.map(({ offset, message }) => `${at(offset)}: ${message}`),
      faults.count,
    )
  const result = policySchema.safeParse(toPlain(document))
  if (result.success) return result.data
  const described = result.error.issues.flatMap((issue) => describe(issue, []))
  // Each place is looked for from the beginning: only for those that are shown.
  const shown = described.slice(0, mostShown).map((fault) => sayFault(fault, document, at))
  throw invalidPolicy(shown, described.length)
}

function toPlain(document: YamlDocument): unknown {
  try {
    return document.toJS({ maxAliasCount: 20 }) ?? {}
  } catch (error) {
    // Aliases of aliases: no single place is at fault.
    throw invalidPolicy([`line 1, column 1: ${error instanceof Error ? error.message : String(error)}`])
  }
}

function invalidPolicy(shown: readonly string[], count = shown.length): DomainError {
  const rest = count - shown.length
  const more = rest > 0 ? [`and ${rest} more`] : []
  return new DomainError(
    'invalid',
    'invalid-policy',
    `The policy was not taken, nothing has changed:\n${[...shown, ...more].map((line) => `  ${line}`).join('\n')}`,
  )
}

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

/** What is wrong at a path: a key that is not known, or a value. */
type Fault = { readonly path: Path; readonly key: string } | { readonly path: Path; readonly message: string }

function describe(issue: Issue, around: Path): Fault[] {
  const path = [...around, ...issue.path]
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path, key }))
  if (issue.code === 'invalid_union') {
    const meant = meantBranch(issue.errors)
    if (meant) return meant.flatMap((inner) => describe(inner, path))
  }
  return [{ path, message: explain(issue) }]
}

function sayFault(fault: Fault, document: YamlDocument, at: (offset: number) => string): string {
  const { path } = fault
  if ('key' in fault) {
    const { key } = fault
    const name = [...path, key].join('.')
    return `${at(keyOffset(document, path, key))}: unknown key \`${name}\`${hint(key, path)}`
  }
  const name = path.length > 0 ? `\`${path.join('.')}\`: ` : ''
  return `${at(valueOffset(document, path))}: ${name}${fault.message}`
}

/** The form of a union that was meant: of those whose outer shape fits the one with the fewest strange keys, else faults. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const foreign = (issue: Issue) =>
    issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')
  const fitting = branches.filter((issues) => !issues.some(foreign))
  // A key that one form alone knows says that this form was meant, whatever is wrong with its values.
  const strange = (issues: readonly Issue[]) =>
    issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : [])).length
  return [...fitting].sort((left, right) => strange(left) - strange(right) || left.length - right.length)[0]
}

function explain(issue: Issue): string {
  if (issue.code !== 'invalid_union') return issue.message
  const nested = issue.errors.flat().map((inner) => inner.message)
  return [...new Set(nested)].join(', or: ')
}

/** Where a value stands, or the closest thing around it that exists. */
function valueOffset(document: YamlDocument, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

function keyOffset(document: YamlDocument, path: Path, key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true)
  if (!isMap(map)) return valueOffset(document, path)
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
  return pair && isNode(pair.key) && pair.key.range ? pair.key.range[0] : valueOffset(document, path)
}

function hint(key: string, path: Path): string {
  const known = knownKeys(policySchema, path)
  if (known.includes(key)) return ', which does not go with the keys beside it'
  const nearest = findNearest(key, known)
  return nearest ? `, did you mean \`${nearest}\`?` : `, known are: ${known.join(', ')}`
}

/** Keys that the schema knows at that place, in all forms of a union. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  if (schema instanceof z.ZodUnion) {
    const options = schema.options as readonly z.ZodType[]
    return [...new Set(options.flatMap((option) => knownKeys(option, path)))]
  }
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodNullable) {
    return knownKeys(schema.unwrap() as z.ZodType, path)
  }
  const [first, ...rest] = path
  if (schema instanceof z.ZodArray) return knownKeys(schema.element as z.ZodType, rest)
  if (!(schema instanceof z.ZodObject)) return []
  if (first === undefined) return Object.keys(schema.shape)
  const inner = (schema.shape as Record<PropertyKey, z.ZodType>)[first]
  return inner ? knownKeys(inner, rest) : []
}
