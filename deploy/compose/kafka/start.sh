#!/bin/bash
# Starts Kafka; makes its storage at the first start.
set -euo pipefail

properties=/etc/dataflow/server.properties
if [ ! -f /var/lib/kafka/data/meta.properties ]; then
    cluster=$(/opt/kafka/bin/kafka-storage.sh random-uuid)
    /opt/kafka/bin/kafka-storage.sh format --cluster-id "$cluster" --config "$properties"
fi
exec /opt/kafka/bin/kafka-server-start.sh "$properties"
