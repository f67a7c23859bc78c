import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BadMember, isMemberPath, type Members } from './bad-member.ts'

/** The files below a directory. Throws BadMember for a link, a device, or a name that no member of a bundle has. */
export async function readDirectory(directory: string): Promise<Members> {
  const members = new Map<string, Buffer>()
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(directory, below), { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = below ? `${below}/${entry.name}` : entry.name
      if (!isMemberPath(path)) throw new BadMember(path, 'a name that no member of a bundle has')
      if (entry.isDirectory()) await walk(path)
      else if (entry.isFile()) members.set(path, await readFile(join(directory, path)))
      else throw new BadMember(path, 'neither a file nor a directory (a link?)')
    }
  }
  await walk('')
  return members
}
