/** What is bound, as far as it says what those who decide go by: subjects of deployments and of rollbacks. */
export interface BoundSubject {
  readonly action?: string
  readonly commit?: string
  readonly plan?: string
  readonly replaces?: { readonly run: string } | null
  readonly rehearsal?: { readonly run: string } | null
  readonly to?: { readonly build: number }
  readonly data?: { readonly takenAt: string } | null
}
