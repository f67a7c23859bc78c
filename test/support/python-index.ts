import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { crc32, gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

/** A package index (PEP 503) on this machine's loopback, with packages of our making. */
export interface PythonIndex extends AsyncDisposable {
  readonly url: string
  /** `127.0.0.1:4711` */
  readonly host: string
  /** Paths that were asked for, with the user that was presented. */
  readonly requests: string[]
  addWheel(
    name: string,
    version: string,
    options?: { requires?: string[]; files?: Record<string, string> },
  ): void
  addSource(name: string, version: string, setup?: string): Promise<void>
}

export async function startPythonIndex(login?: { username: string; password: string }): Promise<PythonIndex> {
  const files = new Map<string, Buffer>()
  const requests: string[] = []
  const server = createServer((request, response) => {
    const presented = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString()
    const path = request.url ?? '/'
    requests.push(`${presented.split(':')[0]}@${path}`)
    if (login && presented !== `${login.username}:${login.password}`)
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="packages"' }).end()
    const [, kind, name = ''] = path.split('/')
    if (kind === 'files' && files.has(name)) return response.end(files.get(name))
    const of = [...files.keys()].filter((file) => projectOf(file) === name)
    if (kind !== 'simple' || of.length === 0) return response.writeHead(404).end()
    const links = of.map((file) => `<a href="/files/${file}#sha256=${sha256(files.get(file)!)}">${file}</a>`)
    response
      .setHeader('content-type', 'text/html')
      .end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}/simple`,
    host,
    requests,
    addWheel(name, version, { requires = [], files: extra = {} } = {}) {
      const stem = `${name.replaceAll('-', '_')}-${version}`
      const info = `${stem}.dist-info`
      const metadata = ['Metadata-Version: 2.1', `Name: ${name}`, `Version: ${version}`]
      const content: Record<string, string> = {
        [`${name.replaceAll('-', '_')}.py`]: `version = '${version}'\n`,
        ...extra,
        [`${info}/METADATA`]: `${[...metadata, ...requires.map((one) => `Requires-Dist: ${one}`)].join('\n')}\n`,
        [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
      }
      const record = [...Object.keys(content), `${info}/RECORD`].map((path) => `${path},,`)
      files.set(`${stem}-py3-none-any.whl`, zip({ ...content, [`${info}/RECORD`]: `${record.join('\n')}\n` }))
    },
    async addSource(name, version, setup) {
      const tar = pack()
      const stem = `${name}-${version}`
      const script =
        setup ??
        `from setuptools import setup\nsetup(name='${name}', version='${version}', py_modules=['${name}'])\n`
      tar.entry({ name: `${stem}/setup.py` }, script)
      tar.entry({ name: `${stem}/${name}.py` }, `version = '${version}'\n`)
      tar.entry({ name: `${stem}/PKG-INFO` }, `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`)
      tar.finalize()
      files.set(`${stem}.tar.gz`, gzipSync(await buffer(tar)))
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')
const projectOf = (file: string) => file.replace(/-\d.*$/, '').replaceAll('_', '-')

/** A zip archive of stored files. */
function zip(files: Record<string, string>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [path, text] of Object.entries(files)) {
    const name = Buffer.from(path)
    const content = Buffer.from(text)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    // 1 January 1980
    common.writeUInt16LE(0x21, 8)
    common.writeUInt32LE(crc32(content), 10)
    common.writeUInt32LE(content.length, 14)
    common.writeUInt32LE(content.length, 18)
    common.writeUInt16LE(name.length, 22)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(20, 4)
    common.copy(entry, 6)
    entry.writeUInt32LE((0o100644 << 16) >>> 0, 38)
    entry.writeUInt32LE(offset, 42)
    directory.push(entry, name)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, content])
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Object.keys(files).length, 8)
  end.writeUInt16LE(Object.keys(files).length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}
