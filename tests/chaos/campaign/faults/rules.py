"""Rules that change while it runs."""

import json
from collections.abc import Iterator
from random import Random
from urllib.request import ProxyHandler, Request, build_opener

from chaos.campaign.registry import fault
from chaos.campaign.site import Site

from dataflow.demo.samples import sample_filter_rules

ASK_SECONDS = 30


@fault
def change_rules(site: Site, dice: Random) -> Iterator[None]:
    """Write another version of the filter rules, with one rule more, which meets no line."""
    rules = json.loads(sample_filter_rules().read_bytes())
    rules.append({"fieldName": "reqId", "regex": f"none-{dice.randrange(10**6)}"})
    worker = dice.choice(site.enrichers).wait_ready()
    request = Request(
        f"{worker.url}/rules",
        json.dumps(rules).encode(),
        {"If-Match": "*", "Content-Type": "application/json"},
        method="PUT",
    )
    with build_opener(ProxyHandler({})).open(request, timeout=ASK_SECONDS) as answer:
        assert answer.status == 200
    yield
