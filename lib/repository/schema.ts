import { z } from 'zod'
import { variableNamePattern, whyReserved } from '../environment/reserved-names.ts'
import { moduleNamePattern } from './module-name.ts'
import { aptName } from './package-patterns.ts'
import { parseSize, sizePattern } from './quantities.ts'
import { fingerprintPattern } from './secret-scan/fingerprint.ts'

// The shape of fairway.yaml. Its JSON schema is published from here, so descriptions are for the file's writers.

const mebibyte = 1024 ** 2

const stageName = z.enum(['production', 'staging', 'development'])

const size = z
  .union([z.int().positive(), z.string().regex(sizePattern, 'a size such as 512M or 2G is expected')])
  .transform((value, issues) => {
    const bytes = typeof value === 'number' ? value : parseSize(value)
    if (bytes !== undefined && bytes >= 128 * mebibyte && bytes <= 1024 ** 4) return bytes
    issues.addIssue('must be between 128M and 1T')
    return z.NEVER
  })

const moduleName = z
  .string()
  .regex(moduleNamePattern, 'a module name has only letters, digits and underscores')

const folder = z
  .string()
  .min(1)
  .max(300)
  .refine(
    (path) => !path.startsWith('/') && !path.split('/').includes('..'),
    'a folder inside the repository is expected, without a leading / or ..',
  )

const ignoredPaths = z
  .string()
  .max(200)
  .regex(
    /^[\w.@+ -][\w./@+ *?-]*$|^\*\*?(\/[\w./@+ *?-]+)?$/,
    'a path inside the repository is expected, with *, ** and ?, such as tests/data/**',
  )

const testTags = z
  .string()
  .max(2000)
  .regex(/^[\w/:.,*+\-[\]]+$/, "Odoo's syntax of --test-tags is expected, for instance /sale_x or :TestPrice")

const plainValue = 'a text, a whole number, true or false is expected; put anything else in quotes'

const variables = z
  .record(
    z.string().superRefine((name, issues) => {
      const fault = variableNamePattern.test(name)
        ? whyReserved(name)
        : 'a name in capital letters, digits and _ is expected, such as RUNNING_ENV'
      if (fault) issues.addIssue(fault)
    }),
    z
      .union([
        z
          .string(plainValue)
          .max(4096)
          .refine((value) => !value.includes('\0'), 'must not hold a NUL character'),
        z.int(plainValue),
        z.boolean(plainValue),
      ])
      .transform(String),
  )
  .refine((all) => Object.keys(all).length <= 200, 'at most 200 variables')
  .default({})

const smokeCheck = z
  .strictObject({
    path: z
      .string()
      .max(500)
      .regex(/^\/[\x21-\x7e]*$/, 'a path such as /shop is expected')
      .describe('Path that is requested, for instance /shop'),
    status: z.int().min(100).max(599).default(200).describe('Status that must be answered'),
    contains: z.string().max(500).default('').describe('Text that the answer must contain'),
  })
  .describe('A request that must succeed before the build is shown to anybody')

const logLine = z
  .strictObject({
    logger: z
      .string()
      .max(200)
      .regex(/^[\w.-]+$/, 'a logger such as odoo.addons.sentry.hooks is expected')
      .describe('What stands before the colon'),
    begins: z
      .string()
      .trim()
      .min(8, 'at least 8 characters are expected')
      .max(500)
      .describe('How the message begins; numbers, ids and quoted values in it may be any'),
  })
  .describe('A line that Odoo logs at WARNING, ERROR or CRITICAL')

function stage(defaults: {
  demo: boolean
  tests: boolean
  memory: string
  cpus: number
  processes: number
  workers: number
}) {
  return z
    .strictObject({
      modules: z
        .union([z.enum(['own', 'all']), z.array(moduleName).max(1000)])
        .default('own')
        .describe("What is installed: the repository's own modules, all modules, or a list of names"),
      demo: z.boolean().default(defaults.demo).describe("Odoo's demonstration data"),
      tests: z
        .union([z.boolean(), testTags])
        .default(defaults.tests)
        .describe("true: tests of the own modules; false: none; or Odoo's --test-tags"),
      smoke: z.array(smokeCheck).max(50).default([]),
      memory: size
        .prefault(defaults.memory)
        .describe('Memory of the Odoo container, for instance 512M or 2G'),
      cpus: z.number().min(0.1).max(256).default(defaults.cpus).describe('CPUs, for instance 1.5'),
      processes: z.int().min(32).max(32_768).default(defaults.processes).describe('Processes and threads'),
      workers: z.int().min(0).max(64).default(defaults.workers).describe('HTTP workers; 0: one process'),
    })
    .prefault({})
}

export const fairwaySchema = z
  .strictObject({
    odoo: z
      .union([z.string().regex(/^\d{1,2}\.0$/), z.number().transform((version) => version.toFixed(1))])
      .optional()
      .describe('Major version of Odoo, for instance "19.0"'),
    base_image: z
      .string()
      .max(500)
      .regex(/^[a-z0-9][\w./:@-]*$/, 'an image reference such as registry.example/odoo:19.0 is expected')
      .optional()
      .describe("Image that the project's images are built on"),
    addons_paths: z
      .array(folder)
      .max(100)
      .default([])
      .describe('Folders that are searched for addons; all of the repository when empty'),
    addon_name: moduleName
      .optional()
      .describe(
        "Technical name of the module that the repository itself is, where its __manifest__.py is at the top; the repository's name when it is left out",
      ),
    sources: z
      .strictObject({
        oca: z
          .string()
          .max(500)
          .regex(/^[^\s{}]+\{\}[^\s{}]*$/, 'an address with {} for the name of the repository is expected')
          .default('https://github.com/OCA/{}.git')
          .describe('Address of repositories that are named without one, {} standing for the name'),
        variables: z
          .record(
            z.string().regex(/^[A-Za-z_]\w{0,99}$/, 'a name such as PGDATABASE is expected'),
            z.string().max(500),
          )
          .default({})
          .describe('What $NAME stands for in repos.yaml and addons.yaml, and what ONLY is compared with'),
        exclude: z
          .array(
            z
              .string()
              .regex(/^\w[\w.+/-]*\/[\w*?[\]!-]+$/, 'repository/addon is expected, * in the addon for any'),
          )
          .max(200)
          .default([])
          .describe('Addons of other repositories that are left out, for instance web/web_x'),
        index: z
          .union(
            [
              z.literal(false),
              z.strictObject({
                repositories: z
                  .array(
                    z
                      .string()
                      .max(500)
                      .regex(/^[\w@][^\s{}]*$/, 'the name of a repository or its address is expected'),
                  )
                  .max(500)
                  .optional()
                  .describe("Names, for `oca`, or addresses; those of OCA's when it is left out"),
                days: z
                  .int()
                  .min(0)
                  .max(365)
                  .default(7)
                  .describe('How long a host goes by what it found; `fairway lock --update` asks anew'),
              }),
            ],
            'false is expected, or { repositories: […], days: 7 }',
          )
          .prefault({})
          .describe(
            'Where a build looks for a module that is missing, to say which repository has it; nothing is taken from there',
          ),
        ignore: z
          .array(folder)
          .max(100)
          .default([])
          .describe(
            "Files of requirements and of Doodba's that are left out, by file or folder: nothing that they ask for is installed, and no build warns of them",
          ),
      })
      .prefault({})
      .describe('Repositories of addons beside this one'),
    python: z
      .strictObject({
        index: z
          .string()
          .max(500)
          .regex(
            /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?(\/[\w.~/-]*)?$/i,
            'an address such as https://pypi.example/simple is expected, without a user: passwords belong among the credentials',
          )
          .optional()
          .describe("Index that Python packages come from; pip's own when it is left out"),
      })
      .prefault({})
      .describe(
        'Python packages beyond those of the base image, as requirements.txt and the manifests name them',
      ),
    apt: z
      .array(z.string().regex(aptName, 'the name of a Debian package such as poppler-utils is expected'))
      .max(200)
      .default([])
      .describe("Debian packages that the image gets, from the base image's own sources"),
    renamed: z
      .record(moduleName, moduleName)
      .refine((names) => Object.keys(names).length <= 200, 'at most 200 names are expected')
      .default({})
      .describe(
        'Modules that have another name now, or that were merged into another: former name → the one that has their data from now on',
      ),
    branches: z
      .record(z.string().min(1).max(200), stageName)
      .default({})
      .describe('Which branches are what, in this order: pattern → stage'),
    environment: z
      .strictObject({
        all: variables.describe('For every stage, for instance SMTP_HOST: smtp.example'),
        production: variables.describe('For production; goes before `all`, as that of the other stages does'),
        staging: variables,
        development: variables,
      })
      .prefault({})
      .describe(
        'Environment variables of Odoo that are no secrets; ODOO_STAGE and RUNNING_ENV say the stage where nothing is said here',
      ),
    secret_scan: z
      .strictObject({
        ignore: z
          .array(ignoredPaths)
          .max(50)
          .default([])
          .describe('Paths that are not searched for secrets, for instance tests/data/**; makes a warning'),
        accept: z
          .array(
            z
              .string()
              .regex(
                fingerprintPattern,
                'a fingerprint of 32 characters is expected, as the build’s log says it',
              ),
          )
          .max(200)
          .default([])
          .describe('Fingerprints of findings that are no secrets, as the log of a build says them'),
      })
      .prefault({})
      .describe('The search for secrets in what is pushed'),
    known_log: z
      .array(logLine)
      .max(200)
      .default([])
      .describe('Lines of the log of Odoo that are known and make no build red or yellow'),
    production: stage({ demo: false, tests: false, memory: '2G', cpus: 2, processes: 512, workers: 2 }),
    staging: stage({ demo: false, tests: false, memory: '1G', cpus: 2, processes: 512, workers: 0 }),
    development: stage({ demo: true, tests: true, memory: '1G', cpus: 2, processes: 512, workers: 0 }),
  })
  .describe('fairway.yaml: how Fairway builds and runs this repository. Every key may be left out.')

export type FairwayFile = z.output<typeof fairwaySchema>
export type FairwayStage = FairwayFile['production']
