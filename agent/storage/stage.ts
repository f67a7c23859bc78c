export type Stage = 'production' | 'staging' | 'development'
