import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { expect } from 'vitest'
import type { AppContext } from '../../server/context.ts'
import type { Tenant } from './tenant.ts'

export interface Signed {
  readonly predicateType: string
  readonly subject: readonly { name: string; digest: { sha256: string } }[]
  readonly predicate: Record<string, unknown>
}

/** Where the schemas of our own predicates are published. */
export const predicatesFolder = new URL('../../docs/predicates/', import.meta.url)
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, formats: formats() })
/** Of every predicate that may be signed, by its type. */
export const schemas = new Map<string, ValidateFunction>()
for (const name of readdirSync(predicatesFolder)) {
  for (const file of readdirSync(new URL(`${name}/`, predicatesFolder))) {
    const schema = JSON.parse(readFileSync(new URL(`${name}/${file}`, predicatesFolder), 'utf8')) as {
      $id: string
    }
    schemas.set(schema.$id, ajv.compile(schema))
  }
}
const text = { type: 'string' }
const resource = {
  type: 'object',
  properties: {
    name: text,
    uri: text,
    digest: { type: 'object', additionalProperties: text, minProperties: 1 },
    annotations: { type: 'object' },
  },
  additionalProperties: false,
  anyOf: [{ required: ['uri'] }, { required: ['digest'] }],
}
// The required parts of predicates that others published: slsa.dev/spec/v1.0/provenance and in-toto's test-result.
schemas.set(
  'https://slsa.dev/provenance/v1',
  ajv.compile({
    type: 'object',
    required: ['buildDefinition', 'runDetails'],
    additionalProperties: false,
    properties: {
      buildDefinition: {
        type: 'object',
        required: ['buildType', 'externalParameters'],
        additionalProperties: false,
        properties: {
          buildType: text,
          externalParameters: { type: 'object' },
          internalParameters: { type: 'object' },
          resolvedDependencies: { type: 'array', items: resource },
        },
      },
      runDetails: {
        type: 'object',
        required: ['builder'],
        additionalProperties: false,
        properties: {
          builder: {
            type: 'object',
            required: ['id'],
            additionalProperties: false,
            properties: { id: text, version: { type: 'object', additionalProperties: text } },
          },
          metadata: {
            type: 'object',
            additionalProperties: false,
            properties: {
              invocationId: text,
              startedOn: { type: 'string', format: 'date-time' },
              finishedOn: { type: 'string', format: 'date-time' },
            },
          },
        },
      },
    },
  }),
)
schemas.set(
  'https://in-toto.io/attestation/test-result/v0.1',
  ajv.compile({
    type: 'object',
    required: ['result', 'configuration'],
    additionalProperties: false,
    properties: {
      result: { enum: ['PASSED', 'WARNED', 'FAILED'] },
      configuration: { type: 'array', items: resource },
      url: text,
      passedTests: { type: 'array', items: text },
      warnedTests: { type: 'array', items: text },
      failedTests: { type: 'array', items: text },
    },
  }),
)

function formats() {
  return {
    'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
    uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  }
}

function requireValid(name: string, statement: Signed): Signed {
  const validate = schemas.get(statement.predicateType)
  if (!validate) return expect.fail(`${name} has a predicate without a schema: ${statement.predicateType}`)
  expect(validate(statement.predicate) ? [] : validate.errors, name).toEqual([])
  return statement
}

/** The statements of a run, by name, as they were signed: each fits the schema of its predicate. */
export async function signedStatements(
  { blobs }: AppContext,
  tenant: Tenant,
  runId: string,
): Promise<Record<string, Signed>> {
  const rows = await tenant.scope((tx) =>
    tx.selectFrom('statements').select(['name', 'bundle_sha256']).where('run_id', '=', runId).execute(),
  )
  const signed = await Promise.all(
    rows.map(async ({ name, bundle_sha256 }) => {
      const bundle = JSON.parse((await blobs.get(bundle_sha256)).toString()) as {
        dsseEnvelope: { payload: string }
      }
      const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as Signed
      return [name, requireValid(name, statement)] as const
    }),
  )
  return Object.fromEntries(signed)
}
