/** What `fairway` exits with; scripts depend on it. Shown by `fairway --help`. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  wrongState: 5,
  unreachable: 6,
  timeout: 7,
  interrupted: 130,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export const exitCodesHelp = `Exit codes:
  0    done; a watched build is green or yellow
  1    failed; a watched build is red, or was cancelled; fairway check found what would make one red; what was to be verified is not genuine
  2    wrong use: arguments, options or values
  3    not found
  4    not logged in, or not allowed
  5    wrong state, or it exists already
  6    the server cannot be reached, or its database is down
  7    not done within --timeout
  130  interrupted`
