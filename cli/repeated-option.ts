/** For commander: an option that may be given again; undefined where it was not given at all. */
export const repeated = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]
