/** What holds for every command: `fairway --help`, and the man page. */
export const introduction = `\
Builds are named \`acme 12\`, \`acme/12\` or \`acme#12\`, environments \`acme production\`, \`acme/production\` or
\`acme/release/1.0\` (their own or their branch's name). Where there is one project only it may be left out.

Every command knows --json, --wide and --help. What destroys, stops, takes away or approves asks first; where there is no
terminal it does nothing without --yes.`
