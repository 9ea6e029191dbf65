#!/bin/bash
# Starts OpenSearch with two users: admin, and dataflow, which is the sink.
set -euo pipefail
umask 077

home=/usr/share/opensearch
config=$OPENSEARCH_PATH_CONF
rm -rf "$config"
cp -r "$home/config" "$config"
cp /etc/dataflow/opensearch.yml "$config/"
mkdir "$config/certificates"
cp /run/secrets/ca.crt /run/secrets/opensearch.crt /run/secrets/opensearch.key "$config/certificates/"

hash() {
    PASSWORD=$(cat "$1") "$home/plugins/opensearch-security/tools/hash.sh" -env PASSWORD | tail -n 1
}
cat > "$config/opensearch-security/internal_users.yml" << END
_meta: {type: internalusers, config_version: 2}
admin:
  hash: "$(hash /run/secrets/opensearch-admin-password)"
  backend_roles: [admin]
dataflow:
  hash: "$(hash /run/secrets/opensearch-password)"
END
cp /etc/dataflow/roles.yml /etc/dataflow/roles_mapping.yml "$config/opensearch-security/"
exec "$home/bin/opensearch"
