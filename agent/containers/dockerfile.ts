/** Where the official image and ours look for a project's addons. */
const addonsFolder = '/mnt/extra-addons'

/**
 * The recipe of every project image: its base by digest and the addons, owned by root so that Odoo cannot change its own
 * code. Nothing of the repository is run. Change it together with `imageRecipeVersion` in agent/repository/lock.ts.
 */
export function renderDockerfile(baseImage: string, hasAddons: boolean): string {
  return [`FROM ${baseImage}`, ...(hasAddons ? [`COPY addons/ ${addonsFolder}/`] : []), ''].join('\n')
}
