#!/usr/bin/env bash
# run.sh VERB [ARGUMENTS]: what `npm run demo`, `npm test` and the like call.
#
# On a fresh clone there is only the machine's own Node and npm: this installs the npm packages, which bring the Node
# that everything else runs on, and goes on in packaging/dev/VERB.ts. `test` sets the machine up and runs vitest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

die() { printf '\nerror: %s\n' "$1" >&2; shift; printf '  %s\n' "$@" >&2; exit 1; }

verb=${1:-}
[ "$verb" = test ] || [ -f "packaging/dev/$verb.ts" ] || die "there is no packaging/dev/$verb.ts" 'usage: run.sh VERB [ARGUMENTS]'
shift
system=$(. /etc/os-release 2>/dev/null && echo "$ID $VERSION_ID") || system=$(uname -s)
[[ $system == debian\ * ]] || die "this machine runs $system; Fairway's set-up installs Debian packages" \
  'Use Debian 12 or newer (a virtual machine is fine).'
[ "$(id -u)" = 0 ] || die 'the set-up installs packages, starts Docker and mounts a storage pool: it must be root' \
  "Try: sudo -E npm run $verb"
command -v npm >/dev/null || die 'npm is missing' 'Install Node 20 or newer with npm.'

# The stamp says for which lock file node_modules was made. The lock file itself serves as the lock between two of us.
stamp=node_modules/.installed-for
wanted=$(sha256sum <package-lock.json)
exec 9<package-lock.json
flock 9
if [ ! -x node_modules/.bin/node ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  echo '  … install the npm packages' >&2
  # without node_modules/.bin: npm ci removes the node it would else be run by
  PATH=$(tr : '\n' <<<"$PATH" | grep -v 'node_modules/\.bin$' | paste -sd :) \
    npm ci --no-audit --no-fund --loglevel=error >&2 9<&-
  printf '%s' "$wanted" >"$stamp"
  echo "  ✓ install the npm packages, $SECONDS s" >&2
fi
exec 9<&-

export PATH=$PWD/node_modules/.bin:$PATH
if [ "$verb" = test ]; then
  node packaging/dev/setup.ts >/dev/null
  exec vitest run "$@"
fi
exec node "packaging/dev/$verb.ts" "$@"
