"""Outside: what Prometheus sees of the services of docker-compose.yml, what the proxy lets in."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

SERVICES = ("dashboards", "prometheus", "alertmanager", "grafana", "kafka-ui", "proxy")
WORKERS = ("ingest", "enrich-1", "enrich-2", "sink-postgres", "sink-s3", "sink-opensearch")
AUTHORITY = "/data/caddy/pki/authorities/local/root.crt"
LINE = '192.0.2.1 - - [29/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8.0"'

Ask = Callable[..., str]
"""Runs a program of a service; returns what it prints."""


def seen_by_prometheus(ask: Ask) -> Mapping[str, Any]:
    """Return how many workers give it metrics, the states of its rules, and whom it tells of alerts."""

    def told(path: str) -> Any:  # as the API answers
        return json.loads(ask("prometheus", "wget", "-qO-", f"http://localhost:9090/api/v1/{path}"))["data"]

    targets = Counter(f"{one['labels']['job']} {one['health']}" for one in told("targets")["activeTargets"])
    rules = {rule["health"] for group in told("rules")["groups"] for rule in group["rules"]}
    receivers = [one["url"] for one in told("alertmanagers")["activeAlertmanagers"]]
    return {"targets": dict(targets), "rules": rules, "told": receivers}


EXPECTED = {
    "targets": {"dataflow up": len(WORKERS), "dataflow-tables up": 1},
    "rules": {"ok"},
    "told": ["http://alertmanager:9093/api/v2/alerts"],
}
"""What `seen_by_prometheus` returns when all is well."""


def send_through_proxy(ask: Ask, token: str) -> None:
    """Open the page, and send one line of an access log, by HTTPS with the proxy's own certificate."""
    curl = ("curl", "-sS", "--fail", "--retry", "30", "--retry-connrefused", "--retry-delay", "1")
    trusting = (*curl, "--cacert", AUTHORITY)
    page = ask("proxy", *trusting, "https://localhost/")
    assert "<html" in page, page
    sender = ("--header", f"Authorization: Bearer {token}", "--data-binary", LINE)
    told = json.loads(ask("proxy", *trusting, *sender, "https://localhost/ingest/access-logs"))
    assert told["accepted"] == 1, told
