#!/bin/bash
# Starts PostgreSQL with TLS. It takes no key that others may read, so it gets a copy of its own.
set -euo pipefail

install -m 600 /run/secrets/postgres.key /tmp/postgres.key
exec docker-entrypoint.sh postgres -c "listen_addresses=*" -c ssl=on \
    -c ssl_cert_file=/run/secrets/postgres.crt -c ssl_key_file=/tmp/postgres.key
