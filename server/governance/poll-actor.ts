/** Who polls, in the audit log and as who asked for a build. */
export const pollActor = 'poll'
