import { runtimeName } from '../../agent/containers/odoo.ts'
import { DATABASE } from '../../agent/database/names.ts'
import type { TestServices } from './odoo-services.ts'

/** Runs a line of Python in `odoo shell`, in a runtime's own container, and gives what it says. */
export async function askShell(
  { docker }: Pick<TestServices, 'docker'>,
  runtimeId: string,
  line: string,
): Promise<string> {
  const exec = await docker.docker.getContainer(runtimeName(runtimeId)).exec({
    Cmd: [
      'sh',
      '-c',
      `echo "$1" | odoo shell --database=${DATABASE} --no-http --log-level=error`,
      'sh',
      line,
    ],
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
  })
  const stream = await exec.start({ Tty: true })
  return (await stream.toArray()).map(String).join('')
}
