/** Where visitors reach a host name: without the port that their scheme has anyway, and without a slash at the end. */
export function environmentUrl(hostname: string, { https, port }: { https: boolean; port: number }): string {
  const standard = https ? 443 : 80
  return `${https ? 'https' : 'http'}://${hostname}${port && port !== standard ? `:${port}` : ''}`
}
