#!/bin/bash
# Starts OpenSearch Dashboards; who opens it logs in with a user of OpenSearch, such as admin.
set -euo pipefail
umask 077

settings=$(< /etc/dataflow/opensearch_dashboards.yml) password=$(< /run/secrets/opensearch-admin-password)
printf '%s\n' "${settings/@password@/"$password"}" > /tmp/opensearch_dashboards.yml
exec /usr/share/opensearch-dashboards/bin/opensearch-dashboards --config /tmp/opensearch_dashboards.yml
