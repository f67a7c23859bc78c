/** Where production goes back to: see PlanRollbackRequest. */
export interface Goal {
  readonly project: string
  readonly toBuild: number
  readonly withData: boolean
  readonly snapshotId?: string
}
