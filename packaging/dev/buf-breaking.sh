#!/usr/bin/env bash
# Fails when a proto breaks what is out there. proto/baseline.binpb holds the protos as last released;
# `buf build -o proto/baseline.binpb` renews it with a release, and only then.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec node_modules/.bin/buf breaking --against proto/baseline.binpb
