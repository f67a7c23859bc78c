import {
  type KyselyPlugin,
  type PluginTransformQueryArgs,
  type PluginTransformResultArgs,
  QueryNode,
  type QueryResult,
  type RootOperationNode,
  SelectQueryNode,
  sql,
  TableNode,
  type UnknownRow,
} from 'kysely'

/** What says whose project's a row is. */
const projectColumns = new Map([
  ['runs', 'project_id'],
  ['projects', 'id'],
  ['branches', 'project_id'],
  ['environments', 'project_id'],
  ['audit_events', 'project_id'],
])

/** Puts into each statement what the policies of its first table would ask: the organization, and the projects. */
export class Confined implements KyselyPlugin {
  readonly #organizationId: string
  readonly #projects: 'all' | readonly string[]

  constructor(organizationId: string, projects: 'all' | readonly string[]) {
    this.#organizationId = organizationId
    this.#projects = projects
  }

  transformQuery({ node }: PluginTransformQueryArgs): RootOperationNode {
    if (!SelectQueryNode.is(node)) return node
    const table = node.from?.froms.find(TableNode.is)?.table.identifier.name
    const column = table && projectColumns.get(table)
    if (!column) return node
    const ofTenant = sql`${sql.ref(`${table}.organization_id`)} = ${this.#organizationId}`
    const where =
      this.#projects === 'all'
        ? ofTenant
        : sql`${ofTenant} and ${sql.ref(`${table}.${column}`)} = any(${this.#projects}::uuid[])`
    return QueryNode.cloneWithWhere(node, where.toOperationNode())
  }

  transformResult({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return Promise.resolve(result)
  }
}
