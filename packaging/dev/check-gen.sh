#!/usr/bin/env bash
# Fails when generated files are not what their sources generate.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
OUT=$fresh bash packaging/dev/gen.sh
for made in proto/gen docs/fairway.schema.json docs/policy.schema.json docs/access.md; do
  diff -r "$fresh/$made" "$made" >&2 || { echo "error: $made is out of date: run npm run gen and commit it" >&2; exit 1; }
done
