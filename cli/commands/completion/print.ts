import { Option } from 'commander'
import { usageError } from '../../errors.ts'
import { namedKinds } from '../../reference/candidates.ts'
import type { Reference } from '../../reference/reference.ts'
import type { Session } from '../../session.ts'
import { type Commands, type Verb, verb } from '../../verb.ts'

/** Somebody waits with a finger on the tab key. */
const patienceMs = 1_500

const scripts: Record<string, () => Promise<(reference: Reference) => string>> = {
  bash: async () => (await import('../../completion/bash.ts')).bashCompletion,
  zsh: async () => (await import('../../completion/zsh.ts')).zshCompletion,
  fish: async () => (await import('../../completion/fish.ts')).fishCompletion,
}

/** The command that completes all others. */
export const completionOf = (commands: Commands): Verb =>
  verb<{ names?: string }>({
    usage: 'completion [shell]',
    summary: 'Print the script that completes commands in bash, zsh or fish',
    details:
      'It knows nouns, verbs and flags, and asks the server for the names of projects, branches, environments and hosts where ' +
      'one is logged in. Keep it in a file, and write that anew after an upgrade.',
    examples: [
      [
        'fairway completion bash > ~/.local/share/bash-completion/completions/fairway',
        'found there by Debian’s bash-completion; without that, source the file in ~/.bashrc',
      ],
      ['fairway completion zsh > ~/.zsh/completions/_fairway', 'a folder of $fpath, before compinit'],
      ['fairway completion fish > ~/.config/fish/completions/fairway.fish', 'fish finds it by itself'],
    ],
    configure: (command) =>
      command.addOption(new Option('--names <kind>', 'names of the server').choices(namedKinds).hideHelp()),
    async run(session, [shell = ''], { names }) {
      if (names !== undefined) return await printNames(session, names)
      const load = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
      if (!load) throw usageError(`Which shell? Give one of ${Object.keys(scripts).join(', ')}.`)
      const { readReference } = await import('../../reference/reference.ts')
      const write = await load()
      process.stdout.write(write(await readReference(commands)))
      return undefined
    },
  })

/** For the scripts. Where there are none, for whatever reason, nothing is said: it would be read on the line typed. */
async function printNames(session: Session, wanted: string): Promise<undefined> {
  const { listNames } = await import('../../completion/server-names.ts')
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(patienceMs)])
  for (const kind of namedKinds.filter((known) => known === wanted)) {
    const names = await listNames(kind, { client: session.client, signal }).catch(() => [])
    for (const name of names) session.out.verbatim(name)
  }
}
