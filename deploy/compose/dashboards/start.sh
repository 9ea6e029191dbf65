#!/bin/bash
# Starts OpenSearch Dashboards; who opens it logs in with a user of OpenSearch, such as admin.
set -euo pipefail
umask 077

sed "s/@password@/$(cat /run/secrets/opensearch-admin-password)/" /etc/dataflow/opensearch_dashboards.yml > /tmp/opensearch_dashboards.yml
exec /usr/share/opensearch-dashboards/bin/opensearch-dashboards --config /tmp/opensearch_dashboards.yml
