/**
 * How packages are named and numbered, in fairway.yaml, in what apt and pip answer, in locks, and in what becomes arguments:
 * no option, no path, nothing that a shell or a requirements file would read otherwise. A package of Debian's whose name
 * ended with a dash would be removed.
 */
export const aptName = /^[a-z0-9][a-z0-9+.-]{0,99}[a-z0-9+.]$/
/** A pinned one may be of another architecture than the image's: `libc6:i386`. */
export const aptPinnedName = /^[a-z0-9][a-z0-9+.:-]{0,99}[a-z0-9+.]$/
export const aptVersion = /^[0-9A-Za-z][0-9A-Za-z.+:~-]{0,150}$/

/** Normalized (PEP 503). */
export const pythonName = /^[a-z0-9]([a-z0-9-]{0,98}[a-z0-9])?$/
export const pythonVersion = /^[\w.!+-]{1,100}$/
export const sha256Hash = /^sha256:[0-9a-f]{64}$/
