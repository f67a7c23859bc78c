/** What visitors read while production is away; `seconds` as predicted, if anything predicts them. Rather too long than too short. */
export function maintenanceText(seconds: number | undefined): string {
  const minutes = seconds === undefined ? undefined : Math.max(1, Math.ceil(seconds / 60))
  const span =
    minutes === undefined ? 'a few minutes' : minutes === 1 ? 'about a minute' : `about ${minutes} minutes`
  return `This system is being updated and will be back in ${span}.`
}
