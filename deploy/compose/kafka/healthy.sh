#!/bin/bash
# Healthy is a Kafka that accepts clients: it listens for them only after it has started.
exec 3<> /dev/tcp/127.0.0.1/9092
