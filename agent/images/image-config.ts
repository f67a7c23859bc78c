import { z } from 'zod'

const texts = z.array(z.string()).nullish()

// All that is taken over from an image that ours stands on. Consciously left: OnBuild and Shell (for builders), Healthcheck
// and StopSignal (we have our own), Volumes (they would lie over what we mount, and outlive their container), ExposedPorts,
// Labels (containers inherit them), history, author and times.
const baseConfigSchema = z.object({
  architecture: z.string().regex(/^[a-z0-9]{1,32}$/),
  variant: z
    .string()
    .regex(/^[a-z0-9]{1,32}$/)
    .nullish(),
  os: z.literal('linux'),
  config: z
    .object({
      Env: texts,
      Entrypoint: texts,
      Cmd: texts,
      User: z.string().nullish(),
      WorkingDir: z.string().nullish(),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(z.string().regex(/^sha256:[0-9a-f]{64}$/)) }),
})

export type BaseConfig = z.infer<typeof baseConfigSchema>

export { baseConfigSchema }

/** Without a time of anybody's: the same image, the same bytes. */
const created = '1970-01-01T00:00:00Z'

export interface AddedLayer {
  readonly diffId: string
  readonly createdBy: string
}

/** The configuration of an image that stands on another: canonical JSON. */
export function renderConfig(
  base: BaseConfig,
  added: readonly AddedLayer[],
  labels: Readonly<Record<string, string>>,
): string {
  const { Env, Entrypoint, Cmd, User, WorkingDir } = base.config ?? {}
  const sorted = Object.fromEntries(
    Object.entries(labels)
      .map(([name, value]) => [name, onOneLine(value)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  return JSON.stringify({
    architecture: base.architecture,
    ...(base.variant && { variant: base.variant }),
    os: 'linux',
    created,
    config: {
      ...(Env?.length && { Env }),
      ...(Entrypoint?.length && { Entrypoint }),
      ...(Cmd?.length && { Cmd }),
      ...(User && { User }),
      ...(WorkingDir && { WorkingDir }),
      Labels: sorted,
    },
    rootfs: { type: 'layers', diff_ids: [...base.rootfs.diff_ids, ...added.map(({ diffId }) => diffId)] },
    history: [
      ...base.rootfs.diff_ids.map(() => ({ created, created_by: 'below' })),
      ...added.map(({ createdBy }) => ({ created, created_by: createdBy })),
    ],
  })
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const onOneLine = (text: string) => text.replace(/[\x00-\x1f\x7f]/g, ' ')
