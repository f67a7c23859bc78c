import { z } from 'zod'
import {
  checkSchema,
  commitsSchema,
  contentsSchema,
  logIssueSchema,
  rehearsalSchema,
  reproductionSchema,
  requirementsSchema,
  testsSchema,
  updateSchema,
} from '../db/record.ts'
import { part } from './record.ts'

// What records of runs are composed of. Rows from before versions may lack anything: empty is what nobody knows of them. Each kind says in its room which of it its runs have.

const names = z.array(z.string())
const assertions = z.array(checkSchema)
const nothingRequired = { python: {}, apt: {} }

/** What a commit became when it was resolved. */
export const resolved = part(
  {
    baseImage: z.string(),
    tree: z.string(),
    commitAuthor: z.string(),
    lockSha256: z.string(),
    modules: names,
    requirements: requirementsSchema,
  },
  {
    baseImage: '',
    tree: '',
    commitAuthor: '',
    lockSha256: '',
    modules: [],
    requirements: nothingRequired,
  },
)

/** What was found where a commit was resolved. */
export const found = {
  /** What of the commits production does not serve, as it was then; absent where nobody asked, or the agent does not say. */
  commits: commitsSchema.optional(),
  secretFindings: z
    .array(
      z.object({
        file: z.string(),
        line: z.number(),
        rule: z.string(),
        severity: z.string(),
        commit: z.string(),
        /** Absent where an agent does not say. */
        fingerprint: z.string().optional(),
        note: z.string().optional(),
        /** By secret_scan.accept of the commit's fairway.yaml. */
        accepted: z.literal(true).optional(),
      }),
    )
    .optional(),
}

/** The image that a build uses. */
export const builtImage = part(
  {
    digest: z.string(),
    image: z.string(),
    /** This run had it built; it was not there already. */
    imageBuilt: z.boolean(),
    /** Empty: the agent made none. */
    sbomSha256: z.string(),
  },
  { digest: '', image: '', imageBuilt: false, sbomSha256: '' },
)

/** Of the build that is to go to production. */
export const candidate = part(
  { commitAuthor: z.string(), baseImage: z.string(), modules: names },
  { commitAuthor: '', baseImage: '', modules: [] },
)

/** Canonical JSON (RFC 8785) of what was planned for production, and its hash. */
const planFields = { plan: z.string(), planSha256: z.string() }
const noPlan = { plan: '', planSha256: '' }
export const planOfBuild = part(planFields, noPlan)

/** The same with the image and the lock that it is about, of runs that make no image. */
export const plan = part(
  {
    ...planFields,
    digest: z.string(),
    image: z.string(),
    lockSha256: z.string(),
    requirements: requirementsSchema,
  },
  { ...noPlan, digest: '', image: '', lockSha256: '', requirements: nothingRequired },
)

/** Where production goes back to. */
export const goal = part(
  {
    digest: z.string(),
    image: z.string(),
    /** The number of the release; 0: of before it was known. */
    rolledBackTo: z.number(),
    withData: z.boolean(),
  },
  { digest: '', image: '', rolledBackTo: 0, withData: false },
)

/** What trying a plan on a clone of production showed. */
export const rehearsed = {
  rehearsal: rehearsalSchema.optional(),
  /** The run of the rehearsal that counted, where that is another one. */
  rehearsalRunId: z.string().optional(),
}

/** Hosts that built the image anew to compare, and came to the same digest. */
export const reproduced = { reproductions: z.array(reproductionSchema).optional() }

/** Of a copy of another database. */
export const cloned = {
  clone: z
    .object({
      /** Environment name, `prepared`, or `base`: what the host had of the base image, for any project. */
      source: z.string(),
      sourceId: z.string(),
      /** RFC 3339 */
      sourceTime: z.string(),
      durationMs: z.number(),
      bytes: z.number(),
    })
    .optional(),
}

export const neutralized = {
  neutralization: z
    .object({
      assertions,
      uncoveredModules: names,
      /** What became of the passwords of people; absent where an agent did nothing about them. */
      passwords: z.enum(['keep', 'disable', 'reset']).optional(),
    })
    .optional(),
  /** What was proved of a copy of production before any code of the candidate met it. */
  neutralizedAsProduction: z
    .object({
      /** Production's, whose own neutralization ran. */
      image: z.string(),
      assertions,
    })
    .optional(),
}

/** What was done to the run's database. */
export const database = {
  /** What it has installed, as it was last seen; absent where an agent does not tell. */
  contents: contentsSchema.optional(),
  tests: testsSchema.optional(),
}

export const updated = { updatedModules: names.optional(), update: updateSchema.optional() }

/** The way back, where production's data were changed. */
export const safety = {
  safetySnapshotId: z.string().optional(),
  /** The data were put back. */
  restored: z.boolean().optional(),
  /** Of a production database whose update failed, as it was then. */
  failedSnapshotId: z.string().optional(),
}

/** Users whom a password that every Odoo has lets in; absent where an agent does not tell. */
export const passwords = { defaultLogins: names.optional() }

/** What Odoo showed before it went live. */
export const looked = {
  smoke: z.array(checkSchema).optional(),
  /** What Odoo logged while it was looked at; absent where an agent does not tell. */
  logIssues: z.array(logIssueSchema).optional(),
  ...passwords,
}

export const live = {
  url: z.string().optional(),
  cellId: z.string().optional(),
  /** Milliseconds between the maintenance page and what served after it. */
  downtimeMs: z.number().optional(),
}

/** Of what stands open in an environment of its own: a build whose tests failed, or what a failed update left. */
export const kept = {
  kept: z
    .object({
      environment: z.string(),
      environmentId: z.string(),
      url: z.string(),
      /** RFC 3339 */
      until: z.string(),
    })
    .optional(),
}

/** Images that nothing needs any more and that are gone, by digest. */
export const collected = { collectedImages: names.optional() }
