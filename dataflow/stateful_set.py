"""Stateful set: whether a pod that ends comes back, as the API of Kubernetes says."""

import json
import os
import re
import ssl
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from dataflow.errors import DataflowError, Misconfigured

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod has the token that may read the scale of its set, the namespace, and who signs for the API."""
TIMEOUT_SECONDS = 5.0
POD = re.compile(r"(?P<set>[a-z0-9.-]+)-(?P<ordinal>\d+)")


def can_ask() -> bool:
    """Tell whether this process is in a pod that has a token for the API."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and (ACCOUNT / "token").exists()


def is_scaled_in(pod: str) -> bool:
    """Tell whether a pod's StatefulSet has no place for it any more; raise if nobody says so."""
    named = POD.fullmatch(pod)
    if named is None:
        raise Misconfigured(
            f"DATAFLOW_INSTANCE_ID is '{pod}'; expected the name of a pod of a StatefulSet, such as enrich-0"
        )
    return int(named["ordinal"]) >= _replicas(named["set"])


def _replicas(name: str) -> int:
    try:
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        namespace, token = ((ACCOUNT / part).read_text().strip() for part in ("namespace", "token"))
        context = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
    except (KeyError, OSError) as error:
        raise Misconfigured(
            f"API of Kubernetes is not known here ({error}); expected a pod with a token in {ACCOUNT} that "
            "may get statefulsets/scale"
        ) from error
    context.verify_flags &= (
        ~ssl.VERIFY_X509_STRICT
    )  # Python 3.13 sets it; CAs of clusters lack what it asks for
    server = f"[{host}]" if ":" in host else host
    url = f"https://{server}:{port}/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}/scale"
    request = Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            return int(json.load(answer)["spec"].get("replicas", 0))
    except (OSError, HTTPException, ValueError, TypeError, LookupError, AttributeError) as error:
        if isinstance(error, HTTPError) and error.code == 404:
            return 0  # the set itself is deleted
        raise DataflowError(
            f"API of Kubernetes does not say the scale of {name}: {error}; expected it at {url}"
        ) from error
