#!/bin/sh
# Starts the S3 server. It takes its key from its environment alone; that of the container has none.
set -eu

ROOT_SECRET_KEY=$(cat /run/secrets/s3-secret-key)
export ROOT_SECRET_KEY
exec versitygw posix /data
