import { createPrivateKey } from 'node:crypto'
import ssh2, { type ParsedKey } from 'ssh2'
import { invalid } from '../../errors.ts'

export interface SshKey {
  /** As ssh reads it, with one line end at the end. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA… comment` */
  readonly publicKey: string
}

const minimalRsaBits = 2048

/** A new key; the comment says whose it is. */
export function makeDeployKey(comment: string): SshKey {
  const made = ssh2.utils.generateKeyPairSync('ed25519', { comment })
  return { privateKey: made.private, publicKey: made.public }
}

/** A private key without passphrase, in OpenSSH's form or PEM. Throws `invalid-ssh-key`; never says anything of it. */
export function parseSshKey(text: string): SshKey {
  const privateKey = `${toKnownForm(text.replaceAll('\r\n', '\n').trim())}\n`
  const parsed = parse(privateKey)
  if (!parsed.isPrivateKey()) {
    throw refused('This is a public key. Give the private one, the file without .pub.')
  }
  if (parsed.type === 'ssh-dss')
    throw refused('DSA keys are too weak, and git hosts refuse them. Make one anew.')
  const bytes = parsed.getPublicSSH()
  if (parsed.type === 'ssh-rsa' && rsaBits(bytes) < minimalRsaBits) {
    throw refused(`RSA keys of fewer than ${minimalRsaBits} bits are too weak. Make one anew.`)
  }
  const comment = parsed.comment.replace(/[^\x20-\x7e]/g, '').slice(0, 100)
  return { privateKey, publicKey: `${parsed.type} ${bytes.toString('base64')} ${comment}`.trim() }
}

function parse(text: string): ParsedKey {
  const parsed = ssh2.utils.parseKey(text)
  if (!(parsed instanceof Error)) return Array.isArray(parsed) ? parsed[0] : parsed
  if (/passphrase|encrypted/i.test(parsed.message)) throw withPassphrase()
  throw refused(
    'It is no private key in OpenSSH’s or PEM form. Make one: ssh-keygen -t ed25519 -N "" -f KEY.',
  )
}

/** PKCS#8 is not known to ssh2, and of ed25519 keys not to every ssh. */
function toKnownForm(text: string): string {
  if (text.startsWith('-----BEGIN ENCRYPTED PRIVATE KEY-----')) throw withPassphrase()
  if (!text.startsWith('-----BEGIN PRIVATE KEY-----')) return text
  try {
    const key = createPrivateKey(text)
    const type = key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs1'
    return key.export({ type, format: 'pem' }).toString().trim()
  } catch {
    throw refused('This PEM form is not known. Write it in OpenSSH’s: ssh-keygen -p -N "" -f KEY.')
  }
}

/** Length of the modulus: the third field, each led by its length in four bytes, and by a zero byte to keep it positive. */
function rsaBits(bytes: Buffer): number {
  const exponentAt = 4 + bytes.readUInt32BE(0)
  const modulusAt = exponentAt + 4 + bytes.readUInt32BE(exponentAt)
  const modulus = bytes.subarray(modulusAt + 4)
  return BigInt(`0x${modulus.toString('hex')}`).toString(2).length
}

const withPassphrase = () =>
  refused('It is locked with a passphrase, which nobody could type. Take it off: ssh-keygen -p -N "" -f KEY.')
const refused = (why: string) => invalid('ssh-key', `The SSH key is refused. ${why}`)
