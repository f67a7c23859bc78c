import { readdirSync } from 'node:fs'
import type { DescMethod, DescService } from '@bufbuild/protobuf'
import type { TestServer } from './server.ts'

export interface Rpc {
  /** `fairway.v1.BuildService.startBuild` */
  readonly name: string
  readonly service: DescService
  readonly method: DescMethod
}

const folder = new URL('../../proto/gen/fairway/v1/', import.meta.url)

/** Every RPC of the public API, found in the generated code, so that none is forgotten. */
export async function listRpcs(): Promise<Rpc[]> {
  const rpcs: Rpc[] = []
  for (const file of readdirSync(folder).filter((name) => name.endsWith('_pb.js'))) {
    const exported = (await import(new URL(file, folder).href)) as Record<string, { kind?: string }>
    for (const value of Object.values(exported)) {
      if (value?.kind !== 'service') continue
      const service = value as DescService
      for (const method of service.methods)
        rpcs.push({ name: `${service.typeName}.${method.localName}`, service, method })
    }
  }
  return rpcs
}

/** Calls it and gives all its answers. */
export async function callRpc(
  server: TestServer,
  { service, method }: Rpc,
  request: Record<string, unknown>,
  token?: string,
): Promise<unknown[]> {
  const client = server.client(service, token) as unknown as Record<
    string,
    (request: unknown) => Promise<unknown> | AsyncIterable<unknown>
  >
  const answer = client[method.localName]?.(request)
  if (method.methodKind === 'unary') return [await answer]
  const messages: unknown[] = []
  for await (const message of answer as AsyncIterable<unknown>) messages.push(message)
  return messages
}
