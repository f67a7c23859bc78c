import { create } from '@bufbuild/protobuf'
import { type ChannelCredentials, Client } from '@grpc/grpc-js'
import { RenewRequestSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import type { Logger } from '../logger.ts'
import { fullJitter } from './backoff.ts'
import { createCertificateRequest } from './certificate-request.ts'
import { describeIdentity } from './enroll.ts'
import type { Identity } from './identity.ts'
import { pause } from './pause.ts'
import { channelOptions, renewMethod } from './protocol.ts'
import { callUnary } from './unary.ts'

export interface RenewalOptions {
  identity(): Identity
  credentials(): ChannelCredentials
  /** Stores the new identity and moves the connections over to it. */
  onRenewed(identity: Identity): void
  readonly log: Logger
}

const callMs = 15_000
/** A jump of the wall clock is noticed this soon. */
const lookMs = 15 * 60_000
const backoff = { baseMs: 5_000, capMs: 10 * 60_000 }
/** Part of the lifetime after which failing to renew is worth an alarm. */
const alarmAt = 0.75

/** Renews the certificate at half its life, asking one server after the other, until the signal is aborted. */
export async function keepCertificateFresh(options: RenewalOptions, signal: AbortSignal): Promise<void> {
  const { log } = options
  for (let attempt = 0; !signal.aborted; ) {
    const identity = options.identity()
    const lifeMs = identity.notAfterMs - identity.notBeforeMs
    const dueInMs = identity.notBeforeMs + lifeMs / 2 - Date.now()
    if (dueInMs > 0) {
      await pause(Math.min(dueInMs, lookMs), signal)
      continue
    }
    try {
      options.onRenewed(await renew(options, identity, attempt, signal))
      log.info('certificate renewed')
      attempt = 0
    } catch (error) {
      if (signal.aborted) return
      const late = Date.now() > identity.notBeforeMs + lifeMs * alarmAt
      const fields = { err: error, expires: new Date(identity.notAfterMs).toISOString() }
      if (late) log.error(fields, 'certificate not renewed and near its end; check the clock and the server')
      else log.warn(fields, 'certificate not renewed yet')
      await pause(fullJitter(attempt, backoff), signal)
      attempt++
    }
  }
}

async function renew(options: RenewalOptions, identity: Identity, attempt: number, signal: AbortSignal) {
  const { key, csr } = await createCertificateRequest()
  const server = identity.servers[attempt % identity.servers.length]!
  const client = new Client(server, options.credentials(), channelOptions)
  try {
    const response = await callUnary(client, renewMethod, create(RenewRequestSchema, { csr }), {
      deadlineMs: callMs,
      signal,
    })
    return describeIdentity({
      hostId: identity.hostId,
      hostName: identity.hostName,
      key,
      certificate: response.certificate,
      authority: identity.authority,
      servers: response.serverAddresses.length > 0 ? response.serverAddresses : identity.servers,
    })
  } finally {
    client.close()
  }
}
