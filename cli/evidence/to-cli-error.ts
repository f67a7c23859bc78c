import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { BadMember } from './bad-member.ts'

/** A bad member as people are told of it; anything else as it is. */
export const toCliError = (error: unknown): unknown =>
  error instanceof BadMember
    ? new CliError(exitCodes.failure, `BAD ${error.member}: ${error.why}`, { cause: error })
    : error
