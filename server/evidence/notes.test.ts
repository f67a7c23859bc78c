import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { notes } from '../../test/support/merkle-vectors.ts'
import { originOf, signCheckpoint, signNote, verifierKeyOf } from './notes.ts'

/** PKCS#8 of an Ed25519 key (RFC 8410), before its 32 bytes. */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

function keyOf(seed: string) {
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8, Buffer.from(seed, 'base64')]),
    format: 'der',
    type: 'pkcs8',
  })
  return { key: createPublicKey(key), sign: (bytes: Uint8Array) => sign(null, bytes, key) }
}

const [{ seed, note, verifierKey }] = notes
const key = keyOf(seed)

describe('signed notes', () => {
  it('are those of the reference implementation, byte by byte', () => {
    const [text] = note.split('\n\n') as [string]
    expect(signNote(`${text}\n`, 'PeterNeumann', [key])).toBe(note)
    expect(verifierKeyOf('PeterNeumann', key.key)).toBe(verifierKey)
  })

  it('hold a checkpoint, signed by each key', () => {
    const root = Buffer.alloc(32, 7)
    const signed = signCheckpoint({ origin: originOf('acme'), size: 12, root }, [key, key])
    const lines = signed.split('\n')
    expect(lines.slice(0, 4)).toEqual(['fairway/acme', '12', root.toString('base64'), ''])
    expect(lines.slice(4, 6).every((line) => line.startsWith('— fairway/acme '))).toBe(true)
    expect(lines).toHaveLength(7)
  })
})
