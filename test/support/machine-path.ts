/** PATH of the machine as its people have it: its own Node and npm, not those of a checkout. */
export const machinePath = (): string =>
  (process.env.PATH ?? '')
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':')
