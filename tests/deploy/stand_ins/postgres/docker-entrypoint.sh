#!/bin/bash
# What the entrypoint of the image does with the variables that docker-compose.yml sets.
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # shellcheck disable=SC2086
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
    printf '\nhost all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    pg_ctl -w start -o "-c listen_addresses=''"
    for file in /docker-entrypoint-initdb.d/*.sql; do
        psql -v ON_ERROR_STOP=1 --username postgres --no-password --no-psqlrc --file "$file"
    done
    pg_ctl -m fast -w stop
fi
exec "$@"
