import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFrameParser } from '../containers/log-frames.ts'
import { createLogSink } from './log-sink.ts'
import { redactDocument, redactValue } from './redact-value.ts'
import { mask, createRedactor as redactorOf } from './redactor.ts'
import { formsOf } from './secret-forms.ts'
import { createSecretIndex } from './secret-index.ts'

/** Nothing that the mask itself holds, or could complete. */
const isNoMask = (text: string) => !/[[\]]/.test(text) && !mask.includes(text)
const secretText = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 8, maxLength: 60 }),
    fc.base64String({ minLength: 8, maxLength: 400 }),
    fc
      .array(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 70 }), {
        minLength: 2,
        maxLength: 12,
      })
      .map((lines) => lines.join('\n')),
  )
  // Of a value whose lines are all short nothing is recognised line by line; setting one says so.
  .filter((text) => text.isWellFormed() && text.split('\n').some((line) => line.trim().length >= 8))
  .filter((text) => isNoMask(text) && !text.includes('\0'))
const noise = fc.string({ unit: 'grapheme', maxLength: 40 }).filter(isNoMask)

/** Written independently of secret-forms.ts: what programs would print. */
const printed: Record<string, (secret: string, before: string, after: string) => string> = {
  raw: (secret) => secret,
  base64: (secret) => Buffer.from(secret).toString('base64'),
  'base64 in a longer text': (secret, before, after) =>
    Buffer.from(before + secret + after).toString('base64'),
  'base64 for addresses': (secret, before, after) =>
    Buffer.from(before + secret + after).toString('base64url'),
  'percent-encoded': (secret) => encodeURIComponent(secret),
  'percent-encoded in small letters': (secret) =>
    encodeURIComponent(secret).replace(/%../g, (hex) => hex.toLowerCase()),
  form: (secret) => new URLSearchParams({ v: secret }).toString(),
  json: (secret) => JSON.stringify({ secret }),
  'json in json': (secret) => JSON.stringify(JSON.stringify({ secret })),
  hexadecimal: (secret) => Buffer.from(secret).toString('hex'),
}

/** What must not be in any output, whole: the text, and its characters of base64 that are its alone. */
function leaks(output: string, secret: string): string[] {
  const bytes = Buffer.from(secret)
  const inner = [0, 1, 2].map((skip) => {
    const rest = bytes.subarray(skip)
    return rest.toString('base64').slice(0, Math.floor((rest.length * 8) / 6))
  })
  const forbidden = [
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).replace(/%../g, (hex) => hex.toLowerCase()),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    ...inner,
    ...inner.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ]
  return forbidden.filter((form) => form.length >= 8 && output.includes(form))
}

function createRedactor() {
  const index = createSecretIndex()
  return { ...redactorOf(() => [index]), add: index.add }
}

/** Of each character, whether it is in a piece that is long enough, or where a broken line of an encoding may be. */
function maskedByComparing(text: string, forms: ReturnType<typeof formsOf>): boolean[] {
  const masked = Array.from(text, () => false)
  const cover = (from: number, to: number) => masked.fill(true, from, to)
  for (const { text: form, fragment, wrapped } of forms) {
    const length = Math.min(fragment, form.length)
    for (let from = 0; from + length <= text.length; from++) {
      if (form.includes(text.slice(from, from + length))) cover(from, from + length)
    }
    for (let size = 6; wrapped && size < form.length && size <= text.length; size++) {
      if (text.endsWith(form.slice(0, size))) cover(text.length - size, text.length)
      if (text.startsWith(form.slice(-size))) cover(0, size)
    }
  }
  return masked
}

describe('a redactor', () => {
  it.each(Object.entries(printed))('masks a secret that is printed as %s', (_, print) => {
    fc.assert(
      fc.property(secretText, noise, noise, (secret, before, after) => {
        const redactor = createRedactor()
        redactor.add(secret)
        const text = `${before}${print(secret, before, after)}${after}`
        // As output is read: line by line.
        const output = text.split('\n').map((line) => redactor.redact(line))
        expect(leaks(output.join('\n'), secret)).toEqual([])
        expect(leaks(output.join(''), secret)).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  it('masks base64 that was broken into lines', () => {
    fc.assert(
      fc.property(
        secretText.filter((secret) => Buffer.byteLength(secret) >= 16),
        fc.string({ unit: 'grapheme-ascii', maxLength: 100 }),
        fc.constantFrom(64, 76),
        fc.constantFrom('', '    '),
        (secret, before, width, indent) => {
          const redactor = createRedactor()
          redactor.add(secret)
          const lines =
            Buffer.from(before + secret)
              .toString('base64')
              .match(new RegExp(`.{1,${width}}`, 'g')) ?? []
          const output = lines.map((line) => redactor.redact(indent + line).trim())
          expect(leaks(output.join(''), secret)).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  })

  it('masks each of many secrets, whatever overlaps', () => {
    fc.assert(
      fc.property(fc.array(secretText, { minLength: 2, maxLength: 6 }), noise, (secrets, between) => {
        const redactor = createRedactor()
        for (const secret of secrets) redactor.add(secret)
        const output = redactor.redact(secrets.join(between) + secrets.join(''))
        expect(secrets.flatMap((secret) => leaks(output, secret))).toEqual([])
      }),
    )
  })

  it('masks a long enough part: messages are cut short before they get here', () => {
    const secret = 'sk_live_51HqLyjWDarjtT1zdp7dcCanary'
    const redactor = createRedactor()
    redactor.add(secret)
    expect(redactor.redact(`… ${secret.slice(3)}`)).toBe(`… ${mask}`)
    expect(redactor.redact(`key: ${secret.slice(0, 20)}`)).toBe(`key: ${mask}`)
    expect(redactor.redact(`key: ${secret.slice(0, 8)}`)).toBe(`key: ${secret.slice(0, 8)}`)
  })

  it('leaves text alone in which there is no secret', () => {
    const redactor = createRedactor()
    redactor.add('correct horse battery staple')
    fc.assert(
      fc.property(fc.lorem({ maxCount: 200 }), (text) => {
        expect(redactor.redact(text)).toBe(text)
      }),
    )
  })

  it('masks what comparing every piece with every form finds', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 4, maxLength: 40 })
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 3 }), word, word, (secrets, before, after) => {
        const index = createSecretIndex()
        for (const secret of secrets) index.add(secret)
        const text = before + secrets[0] + after
        const masked = Array.from(text, (_, at) =>
          index.find(text, {}).some(({ from, to }) => from <= at && at < to),
        )
        expect(masked).toEqual(maskedByComparing(text, secrets.flatMap(formsOf)))
      }),
      { numRuns: 100 },
    )
  })

  it('reads a megabyte in well under a second beside a hundred secrets', () => {
    const redactor = createRedactor()
    for (let index = 0; index < 100; index++)
      redactor.add(`secret-${index}-${'x'.repeat(index)}-${index * 7919}`)
    const text = 'A line of a log that holds nothing that anybody would want to hide from view. '.repeat(
      13_500,
    )
    const begun = performance.now()
    expect(redactor.redact(text)).toBe(text)
    expect(performance.now() - begun).toBeLessThan(1_000)
  })
})

/** Docker's framing of one line of output, in the pieces that it stores. */
function frames(line: string, pieceBytes: number): Buffer[] {
  const bytes = Buffer.from(`${line}\n`)
  const made: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const payload = Buffer.concat([
      Buffer.from('2026-07-01T10:00:00.123456789Z '),
      bytes.subarray(at, at + pieceBytes),
    ])
    const header = Buffer.alloc(8)
    header[0] = 1
    header.writeUInt32BE(payload.length, 4)
    made.push(header, payload)
  }
  return made
}

describe('a line longer than any entry', () => {
  it('does not let a secret through where Docker, the reader or the spool cut it', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9]{8,40}$/),
        fc.integer({ min: 0, max: 60 }),
        fc.constantFrom(21_000, 16_384, 65_536, 131_072),
        fc.integer({ min: 1_000, max: 50_000 }),
        (secret, before, cut, chunk) => {
          const redactor = createRedactor()
          redactor.add(secret)
          const stored: string[] = []
          const spool = { append: (_: string, entry: { text: string }) => void stored.push(entry.text) }
          const sink = createLogSink({ ...spool, position: () => undefined }, redactor)
          const parse = createFrameParser(({ text, cut }) =>
            sink.append('stream', { unixMicros: 0n, source: 'odoo', text, cut }),
          )
          const line = `${'.'.repeat(Math.max(0, cut - before))}${secret}${'.'.repeat(40_000)}`
          const wire = Buffer.concat(frames(line, 16_384))
          for (let at = 0; at < wire.length; at += chunk) parse(wire.subarray(at, at + chunk))
          expect(stored.length).toBeGreaterThan(1)
          expect(leaks(stored.join(''), secret)).toEqual([])
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('documents and messages', () => {
  it('are redacted in every text they hold', () => {
    const redactor = createRedactor()
    redactor.add('s3cr3t-canary')
    const value = {
      name: 'a s3cr3t-canary',
      more: [{ text: 's3cr3t-canary' }],
      size: 3n,
      bytes: new Uint8Array(2),
    }
    expect(redactValue(redactor, value)).toEqual({ ...value, name: `a ${mask}`, more: [{ text: mask }] })
    const document = redactDocument(redactor, Buffer.from('{"key":"s3cr3t-canary","é":1}'))
    expect(JSON.parse(Buffer.from(document).toString())).toEqual({ key: mask, é: 1 })
    const binary = Buffer.concat([
      Buffer.from([0xff, 0xfe]),
      Buffer.from('s3cr3t-canary'),
      Buffer.from([0xff]),
    ])
    const clean = Buffer.from(redactDocument(redactor, binary))
    expect(clean).toEqual(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(mask), Buffer.from([0xff])]))
  })
})

describe('formsOf', () => {
  it('takes the lines of a key for secrets of their own', () => {
    const key = '-----BEGIN KEY-----\r\nMIIEvQIBADAN\r\nAB==\r\n-----END KEY-----\r\n'
    const texts = formsOf(key).map(({ text }) => text)
    expect(texts).toEqual(expect.arrayContaining([key, 'MIIEvQIBADAN']))
    expect(texts).not.toContain('AB==')
  })
})
