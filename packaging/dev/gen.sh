#!/usr/bin/env bash
# Generate what is generated: TypeScript from the protos, JSON schemas, the table of permissions. OUT names another root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH=$PWD/node_modules/.bin:$PATH
out=${OUT:-.}
buf generate --output "$out"
mkdir -p "$out/docs"
node lib/repository/write-schema.ts "$out/docs/fairway.schema.json"
node server/governance/policy/write-schema.ts "$out/docs/policy.schema.json"
node server/governance/write-access-page.ts "$out/docs/access.md"
