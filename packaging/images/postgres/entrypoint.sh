#!/bin/bash
# Contract of the official postgres image: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB, POSTGRES_INITDB_ARGS (each
# also as NAME_FILE), POSTGRES_HOST_AUTH_METHOD, PGDATA, /docker-entrypoint-initdb.d/*.{sh,sql,sql.gz}.
# Works as root (becomes postgres) and directly as postgres with no capability at all.
# On a directory that holds a cluster it does nothing but exec: starting a clone must be quick.
set -Eeuo pipefail

[ "${1:0:1}" != - ] || set -- postgres "$@"
[ "$1" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  install -d -o postgres -g postgres -m 700 "$PGDATA"
  find "$PGDATA" /run/postgresql \! -user postgres -exec chown postgres: {} +
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
[ ! -s "$PGDATA/PG_VERSION" ] || exec "$@"

setting() { # NAME [default]: $NAME, or what is in the file that $NAME_FILE names
  local file="${1}_FILE"
  if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then echo "error: both $1 and $file are set" >&2; exit 1; fi
  if [ -n "${!file:-}" ]; then cat "${!file}"; else printf '%s' "${!1:-${2:-}}"; fi
}
POSTGRES_USER=$(setting POSTGRES_USER postgres)
POSTGRES_PASSWORD=$(setting POSTGRES_PASSWORD)
POSTGRES_DB=$(setting POSTGRES_DB "$POSTGRES_USER")
initdb_args=$(setting POSTGRES_INITDB_ARGS)
auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
if [ -z "$POSTGRES_PASSWORD" ] && [ "$auth" != trust ]; then
  echo 'error: the cluster is not initialized: set POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE),' >&2
  echo '       or POSTGRES_HOST_AUTH_METHOD=trust to accept connections without any password' >&2
  exit 1
fi

install -d -m 700 "$PGDATA"
eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") \
  --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 -D "$PGDATA" '"$initdb_args"
printf '\nhost all all all %s\n' "$auth" >>"$PGDATA/pg_hba.conf"

# The server that runs the first-start scripts listens only in a directory of its own, so that no probe takes it
# for the real one.
PGHOST=$(mktemp -d)
export PGHOST POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB
pg_ctl -D "$PGDATA" -s -w -o "-c listen_addresses='' -c unix_socket_directories=$PGHOST" start
sql() { psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" "$@"; }
if [ "$POSTGRES_DB" != postgres ]; then
  sql -d postgres -v db="$POSTGRES_DB" <<<'CREATE DATABASE :"db"'
fi
for file in /docker-entrypoint-initdb.d/*; do
  case $file in
    *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
    *.sql) sql -d "$POSTGRES_DB" -f "$file" ;;
    *.sql.gz) gunzip -c "$file" | sql -d "$POSTGRES_DB" ;;
    */'*') ;; # the directory is empty
    *) echo "ignored: $file" >&2 ;;
  esac
done
pg_ctl -D "$PGDATA" -s -m fast -w stop
rm -rf "$PGHOST"
unset PGHOST POSTGRES_PASSWORD
exec "$@"
