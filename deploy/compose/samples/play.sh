#!/bin/sh
# Plays the sample data; what was played before is recognized and left out.
set -eu

dataflow ingest /samples/datastream2.ndjson.gz --as cdn-logs
dataflow ingest /samples/bookings.ndjson.gz --as bookings
dataflow ingest /samples/pageviews.ndjson.gz --as web-events
echo
echo "Open http://localhost:$PAGE_PORT and log in as admin with the password in secrets/admin-password."
