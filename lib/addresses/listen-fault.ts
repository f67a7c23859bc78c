/** Where a server was to listen, and the variables that say so. */
export interface Door {
  readonly host: string
  readonly port: number
  readonly hostVariable: string
  readonly portVariable: string
}

/** What keeps a server from listening there, and what to do. Any other error is given back as it is. */
export function explainListenFault(error: unknown, door: Door): unknown {
  const code = /\b(EADDRINUSE|EACCES|EADDRNOTAVAIL)\b/.exec(error instanceof Error ? error.message : '')?.[1]
  const { host, port, hostVariable, portVariable } = door
  switch (code) {
    case 'EADDRINUSE':
      return new Error(
        `Port ${port} of ${host} is taken by another program: end that one (\`ss -ltnp 'sport = :${port}'\` names it), or ` +
          `set ${portVariable} to another port.`,
        { cause: error },
      )
    case 'EACCES':
      return new Error(
        `The server's user may not listen on port ${port}: set ${portVariable} to one above 1023, behind a proxy.`,
        { cause: error },
      )
    case 'EADDRNOTAVAIL':
      return new Error(
        `${host} is no address of this machine: set ${hostVariable} to one of its own (\`ip address\` lists them).`,
        { cause: error },
      )
    default:
      return error
  }
}
