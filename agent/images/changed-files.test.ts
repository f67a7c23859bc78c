import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { extract, pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { packChanges } from './changed-files.ts'

const before = new Date('2020-01-02T03:04:05.678Z')
const during = new Date('2026-05-05T05:05:05Z')
const sinceMs = Date.parse('2026-01-01')

async function list(changes: [number, string][]) {
  const tar = pack()
  tar.entry({ name: 'etc/', type: 'directory', mtime: during })
  tar.entry({ name: 'etc/hosts', mtime: during }, 'x')
  tar.entry({ name: 'etc/shadow', mtime: during, mode: 0o640, gid: 42, gname: 'shadow' }, 'secret')
  tar.entry({ name: 'usr/', type: 'directory', mtime: before })
  tar.entry({ name: 'usr/bin/tool', mtime: before, mode: 0o4755, uid: 0 }, 'binary')
  tar.entry({ name: 'usr/bin/tool2', type: 'link', linkname: 'usr/bin/tool', mtime: before })
  tar.entry({ name: 'usr/bin/untouched', mtime: before }, 'x')
  tar.entry({ name: 'var/cache/apt/', type: 'directory', mtime: before })
  tar.entry({ name: 'var/cache/apt/pkg.bin', mtime: during }, 'x')
  tar.entry({ name: 'var/lib/apt/lists/x', mtime: during }, 'x')
  tar.entry({ name: 'var/lib/dpkg/status', mtime: during }, 'x')
  tar.entry({ name: 'var/lib/dpkg/status-old', mtime: during }, 'x')
  tar.finalize()
  const exported = Readable.from([await buffer(tar as unknown as Readable)])
  const layer = packChanges(
    exported,
    changes.map(([Kind, Path]) => ({ Kind, Path })),
    sinceMs,
  )
  const reader = extract()
  layer.on('error', (error) => reader.destroy(error)).pipe(reader)
  const found: string[] = []
  for await (const entry of reader) {
    const { name, mode, mtime, linkname, gname } = entry.header
    const size = (await buffer(entry as unknown as Readable)).byteLength
    const more = [linkname && `→ ${linkname}`, gname].filter(Boolean).join(' ')
    found.push(`${name} ${mode.toString(8)} ${mtime.toISOString().slice(0, 19)} ${size} ${more}`.trim())
  }
  return found
}

test('of a file system what was installed becomes a layer, without what is of its time', async () => {
  const changed = await list([
    [0, '/etc'],
    [0, '/etc/hosts'],
    [0, '/etc/shadow'],
    [1, '/usr/bin/tool'],
    [1, '/usr/bin/tool2'],
    [0, '/var/cache/apt'],
    [1, '/var/cache/apt/pkg.bin'],
    [1, '/var/lib/apt/lists/x'],
    [0, '/var/lib/dpkg/status'],
    [1, '/var/lib/dpkg/status-old'],
    [2, '/usr/share/old'],
    [2, '/usr/share/old/inner'],
    [2, '/etc/gone'],
    [2, '/var/cache/debconf/x'],
  ])
  expect(changed).toEqual([
    'etc/ 755 1970-01-01T00:00:00 0',
    'etc/shadow 640 1970-01-01T00:00:00 6',
    'usr/bin/tool 4755 2020-01-02T03:04:05 6',
    'usr/bin/tool2 644 2020-01-02T03:04:05 0 → usr/bin/tool',
    'var/cache/apt/ 755 2020-01-02T03:04:05 0',
    'var/lib/dpkg/status 644 1970-01-01T00:00:00 1',
    'etc/.wh.gone 644 1970-01-01T00:00:00 0',
    'usr/share/.wh.old 644 1970-01-01T00:00:00 0',
  ])
})

test('another name of a file that is not in the layer is refused', async () => {
  await expect(list([[1, '/usr/bin/tool2']])).rejects.toMatchObject({ reason: 'image-build-failed' })
})
