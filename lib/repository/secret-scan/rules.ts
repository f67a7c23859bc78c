export type Severity = 'low' | 'medium' | 'high' | 'critical'

/**
 * How grave a secret of that kind is, by what whoever finds it can do: critical takes over machines, money or data;
 * high uses a service in one's name; medium is often made up or needs more to be used; low opens nothing by itself.
 * Published in docs/secret-scan.md.
 */
export const severities: Readonly<Record<string, Severity>> = {
  'privatekey/PrivateKey': 'critical',
  'gcp/PrivateKeyJSON': 'critical',
  'aws/AWSSecretAccessKey': 'critical',
  'github/GITHUB_TOKEN': 'critical',
  'gitlab/GITLAB_PERSONAL_ACCESS_TOKEN': 'critical',
  'stripe/STRIPE_SECRET_KEY_LIVE': 'critical',
  'stripe/STRIPE_RESTRICTED_KEY_LIVE': 'critical',
  '1password/OPS_TOKEN': 'critical',
  'hashicorp-vault/HASHICORP_VAULT_RECOVERY_TOKEN': 'critical',
  'hashicorp-vault/HASHICORP_VAULT_SERVICE_TOKEN': 'critical',
  'aws/AWSAccessKeyID': 'medium',
  'basicauth/BasicAuth': 'medium',
  'database-connection-string/MongoDBConnection': 'medium',
  'database-connection-string/MySQLConnection': 'medium',
  'database-connection-string/PostgreSQLConnection': 'medium',
  'slack/IncomingWebhook': 'medium',
  'aws/AWSAccountID': 'low',
  'stripe/STRIPE_SECRET_KEY_TEST': 'low',
  'stripe/STRIPE_RESTRICTED_KEY_TEST': 'low',
}

/** Of a rule that is not in the table: a token of some service. */
const otherwise: Severity = 'high'

export const severityOf = (rule: string): Severity => severities[rule] ?? otherwise

/** `@secretlint/secretlint-rule-aws`, `AWSSecretAccessKey` → `aws/AWSSecretAccessKey` */
export const ruleName = (ruleId: string, messageId: string): string =>
  `${ruleId.replace(/^.*secretlint-rule-/, '')}/${messageId}`
