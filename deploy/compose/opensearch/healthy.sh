#!/bin/bash
# Healthy is an OpenSearch whose shards can be written, asked as the sink asks it. No password is in the arguments.
printf 'user = "dataflow:%s"\n' "$(cat /run/secrets/opensearch-password)" |
    curl --config - --fail --silent --cacert /run/secrets/ca.crt --output /dev/null \
        "https://localhost:9200/_cluster/health?wait_for_status=yellow&timeout=5s"
