#!/usr/bin/env bash
# run.sh VERB [ARGUMENTS]: what `npm run demo`, `npm test` and the like call.
#
# On a fresh clone there is only the machine's own Node and npm: this installs the npm packages, which bring the Node
# that everything else runs on, and goes on in packaging/dev/VERB.ts. `test` sets the machine up and runs vitest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

die() { printf '\nerror: %s\n' "$1" >&2; shift; printf '  %s\n' "$@" >&2; exit 1; }

install_npm_packages() {
  local missing=() headers=()
  for program in g++ make python3; do command -v "$program" >/dev/null || missing+=("$program"); done
  if [ ${#missing[@]} -gt 0 ]; then # node-pty is compiled
    echo "  … install ${missing[*]}" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    echo "  ✓ install ${missing[*]}, $SECONDS s" >&2
  fi
  # the headers of the machine's own Node, where it has them, instead of a download
  [ ! -f /usr/include/node/node_api.h ] || headers=(--nodedir=/usr)
  echo '  … install the npm packages, about half a minute' >&2
  # Not `npm ci`: it insists on every platform's optional packages, and behind a registry mirror that lacks some it fails.
  # The versions are those of the lock file all the same. Without node_modules/.bin in PATH: npm must not be run by the
  # Node that it is about to replace.
  PATH=$(tr : '\n' <<<"$PATH" | grep -v 'node_modules/\.bin$' | paste -sd :) \
    npm install --no-save --no-audit --no-fund --no-update-notifier --loglevel=error "${headers[@]}" >&2
  echo "  ✓ install the npm packages, $SECONDS s" >&2
}

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
  install_npm_packages 9<&-
  printf '%s' "$wanted" >"$stamp"
fi
exec 9<&-

export PATH=$PWD/node_modules/.bin:$PATH
# Compiled once, not by each of the hundreds of processes that tests start.
export NODE_COMPILE_CACHE=$PWD/node_modules/.cache/compiled
node packaging/bundle.ts
if [ "$verb" = test ]; then
  node packaging/dev/setup.ts >/dev/null
  exec vitest run "$@"
fi
exec node "packaging/dev/$verb.ts" "$@"
