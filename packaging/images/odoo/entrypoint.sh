#!/bin/bash
# entrypoint.sh [odoo] [SUBCOMMAND] [OPTIONS] | any other command
#
# Contract of the official odoo image: the database server is named by HOST, PORT, USER and PASSWORD (or PASSWORD_FILE),
# with db:5432 and odoo/odoo as defaults, and what odoo.conf says goes before them. PGHOST, PGPORT, PGUSER and PGPASSWORD
# do as well; given to the container, they also serve `docker exec … odoo shell`, psql and pg_dump.
# Before odoo is run, waits up to DB_TIMEOUT seconds (60) for the server; exit 75 when it stays away.
set -euo pipefail

setting() { # KEY of odoo.conf, else the given value
  local value=
  if [ -r "$ODOO_RC" ]; then value=$(sed -n -E "s/^\s*$1\s*=\s*(.*[^[:space:]])\s*$/\1/p" "$ODOO_RC" | tail -n 1); fi
  case $value in '' | False) printf '%s' "$2" ;; *) printf '%s' "$value" ;; esac
}
[ -z "${PASSWORD_FILE:-}" ] || PASSWORD=$(<"$PASSWORD_FILE")
PGHOST=$(setting db_host "${HOST:-${PGHOST:-db}}")
PGPORT=$(setting db_port "${PORT:-${PGPORT:-5432}}")
PGUSER=$(setting db_user "${USER:-${PGUSER:-odoo}}")
PGPASSWORD=$(setting db_password "${PASSWORD:-${PGPASSWORD:-odoo}}")
export PGHOST PGPORT PGUSER PGPASSWORD

case ${1:-odoo} in
  -*) set -- odoo "$@" ;;
  odoo) ;;
  *) exec "$@" ;;
esac
case ${2:-} in scaffold | help | --help | --version) exec "$@" ;; esac

timeout=${DB_TIMEOUT:-60}
until pg_isready --quiet --dbname postgres; do
  if [ "$SECONDS" -ge "$timeout" ]; then
    echo "PostgreSQL at $PGHOST:$PGPORT does not answer after $timeout s (DB_TIMEOUT)" >&2
    exit 75
  fi
  sleep 0.1
done
exec "$@"
