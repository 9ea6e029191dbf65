"""Names in documents: settings, metrics, files and routes that a page names are those of the program."""

import re
from functools import cache

import pytest
from markdown_pages import FENCE, INLINE, ROOT, files_of_the_repository, name_of, pages, prose

from dataflow.metrics import METRICS, MetricType
from dataflow.settings import Settings, variable_of
from dataflow.settings.secret_files import SUFFIX, is_secret
from dataflow.web.routes import ALL

LIVING = [page for page in pages() if page.name != "CHANGELOG.md"]
"""The changelog also says what there was once."""

FILE = re.compile(
    r"[\w.-]+(?:/[\w.-]+)*\.(?:py|md|lock|js|css|html)|[\w.-]+(?:/[\w.-]+)+\.(?:toml|ya?ml|sql|sh|json)"
)
MADE = re.compile(r"`([\w/]+\.py)`[^`]*:\n\n```python")
"""A file that a page makes: its name, and then what is in it."""
OF_THE_READER = {"secrets"}


@cache
def settings_there_are() -> set[str]:
    """Return the variables of the program, of docker-compose.yml, and of the tests."""
    variables = {variable_of(name) for name in Settings.model_fields}
    secrets = {
        variable_of(name) + SUFFIX
        for name, field in Settings.model_fields.items()
        if is_secret(field.annotation)
    }
    others = [".env.example", "Makefile", "docker-compose.yml", "dataflow/settings/faults.py"]
    texts = [(ROOT / path).read_text("utf-8") for path in others]
    tests = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")]
    read = {name for text in tests for name in re.findall(r"environ\b[^\n]*?\b(DATAFLOW_[A-Z_]+)", text)}
    return variables | secrets | read | {name for text in texts for name in named_settings(text)}


def metrics_there_are() -> set[str]:
    """Return the names of all series."""
    parts = [
        f"{name}_{part}"
        for name, one in METRICS.items()
        if one.type is MetricType.HISTOGRAM
        for part in ("bucket", "count", "sum")
    ]
    return {*METRICS, *parts}


@cache
def tails() -> frozenset[str]:
    """Return each file by all the ways to name it: from the root, or from one of its folders."""
    parts = [path.split("/") for path in files_of_the_repository()]
    return frozenset("/".join(one[start:]) for one in parts for start in range(len(one)))


def named_settings(text: str) -> set[str]:
    """Return the settings that a text names, whole."""
    return set(re.findall(r"\bDATAFLOW_[A-Z0-9_]*[A-Z0-9]\b(?![*…_])", text))


def named_metrics(text: str) -> set[str]:
    """Return the metrics that a text names, whole."""
    return set(re.findall(r"(?<![\w/.-])dataflow_[a-z0-9_]*[a-z0-9]\b(?![*…_/.])", text))


def named_routes(text: str) -> set[tuple[str, str]]:
    """Return method and path of the requests that a page names; of a curl, the path; not what it makes."""
    requests = re.findall(r"\b(GET|POST|PUT|DELETE) (/[^\s`)?,'\"]*)", text)
    curled = re.findall(r"\b(?:localhost|WORKER|127\.0\.0\.1):6066(/[^\s`)?,'\"]*)", text)
    made = set(re.findall(r'@routes\("\w+", "([^"]+)"', text))
    return {
        (method, path) for method, path in [*requests, *(("", one) for one in curled)] if path not in made
    }


def is_route(method: str, path: str) -> bool:
    """Tell whether a worker answers this; a name in capitals or brackets stands for any."""
    return any(
        method in ("", route.method.upper())
        and re.fullmatch(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(route.path)), path)
        for route in ALL
    )


def named_files(text: str) -> set[str]:
    """Return the files of the repository that the prose of a page names, but those that the page makes."""
    blocks = " ".join(code for _, _, code in FENCE.findall(text))
    made = {*MADE.findall(text), *re.findall(r"[\w./-]+", blocks)}
    words = {word for code in INLINE.findall(prose(text)) for word in code.split() if "EXTRA" not in word}
    files = {word for word in words if FILE.fullmatch(word) and word.partition("/")[0] not in OF_THE_READER}
    return files - made


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_setting_is_one(page):
    """A variable of another name would be refused at the start, or set in vain."""
    assert named_settings(page.read_text("utf-8")) - settings_there_are() == set()


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_metric_is_one(page):
    """A dashboard for a metric that is not there stays empty, and an alert never fires."""
    assert named_metrics(page.read_text("utf-8")) - metrics_there_are() == set()


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_route_is_one(page):
    """Whoever asks for another gets 404."""
    assert {one for one in named_routes(page.read_text("utf-8")) if not is_route(*one)} == set()


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_every_file_is_there(page):
    """Whoever opens it wants to read on."""
    assert {one for one in named_files(page.read_text("utf-8")) if one not in tails()} == set()


def test_a_wrong_name_is_seen():
    """A check that accepts everything proves nothing."""
    text = (
        "`DATAFLOW_NONSENSE`, dataflow_nonsense_total, `agents/nonsense.py`; `DATAFLOW_S3_*`, GET /nonsense"
    )
    assert named_settings(text) - settings_there_are() == {"DATAFLOW_NONSENSE"}
    assert named_metrics(text) - metrics_there_are() == {"dataflow_nonsense_total"}
    assert named_files(text) - tails() == {"agents/nonsense.py"}
    assert [one for one in named_routes(text) if not is_route(*one)] == [("GET", "/nonsense")]
