"""Alert rules: each asks for what workers have, has its entry in docs/operations.md, and fires in a test."""

import re
import runpy
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from alert_rules import PROMETHEUS, ROOT, AlertRule, rule_files, rules_of, unknown

from dataflow.settings import Settings
from dataflow.web import metrics, table_metrics

PAGE = (ROOT / "docs" / "operations.md").read_text()
PARTS = ("Means", "Look at", "Do")
DAYS_OF_A_MONTH = 30
WORDS = {2: "two", 5: "five"}

RULES = [rule for path in rule_files() for rule in rules_of(path)]
ALERTS = [rule for rule in RULES if rule.alert]
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool is not there; Debian and Ubuntu: apt install prometheus",
)


def named(rule: AlertRule) -> str:
    """Return what pytest shows of a rule."""
    return rule.alert or rule.record


def promtool(*arguments: str | Path) -> None:
    """Run promtool, which has to agree."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_a_rule_asks_only_for_what_workers_have(rule: AlertRule):
    """A rule on a metric that was renamed never fires, and nobody sees that."""
    assert not list(unknown(rule.expr, {rule.record for rule in RULES if rule.record}))


@pytest.mark.parametrize(
    ("expr", "what"),
    [
        ("rate(dataflow_no_such_total[5m]) > 0", ["dataflow_no_such_total"]),
        ('dataflow_worker_ready{stream="a"} == 0', ["dataflow_worker_ready{stream}"]),
        ("dataflow_loop_delay_seconds > 1", ["dataflow_loop_delay_seconds"]),
        ("stream:stale:bool > 1", ["stream:stale:bool"]),
    ],
)
def test_what_no_worker_has_is_seen(expr: str, what: list[str]):
    """A check that accepts everything proves nothing."""
    assert list(unknown(expr)) == what


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_an_alert_says_what_to_do(rule: AlertRule):
    """Who is woken by it reads the page, not the rule."""
    assert rule.labels["severity"] in {"page", "ticket"}
    assert rule.annotations["summary"]
    assert rule.annotations["runbook"] == f"docs/operations.md#{rule.alert.lower()}"
    found = re.search(rf"^### {rule.alert}\n\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, f"docs/operations.md has no entry {rule.alert}"
    assert re.findall(r"^- \*\*(.+?)\*\*: \S", found[1], re.MULTILINE) == list(PARTS)


@pytest.mark.parametrize(("alert", "days"), [("DataflowFreshnessBurn", 2), ("DataflowFreshnessBurnSlow", 5)])
def test_a_burn_rate_is_what_the_page_says(alert: str, days: int):
    """The page said that an hour uses up the allowance of two days: it is that of 14 hours."""
    [rule] = [rule for rule in ALERTS if rule.alert == alert]
    [factor] = set(re.findall(r"> ([\d.]+) \* 0\.01", rule.expr))
    assert round(DAYS_OF_A_MONTH / float(factor)) == days
    [entry] = re.findall(rf"^### {alert}\n\n- \*\*Means\*\*: (.*)", PAGE, re.MULTILINE)
    assert entry.endswith(f"a month's allowance would be used up in {WORDS[days]} days.")


def test_every_entry_is_of_an_alert():
    """An entry that no alert leads to is never read."""
    assert sorted(re.findall(r"^### (Dataflow\w+)$", PAGE, re.MULTILINE)) == sorted(map(named, ALERTS))


def test_every_alert_is_quiet_and_fires_in_a_test():
    """What no test names, promtool does not check."""
    quiet, fires = set(), set()
    for path in TESTS:
        for each in msgspec.yaml.decode(path.read_bytes())["tests"]:
            for case in each["alert_rule_test"]:
                (fires if case.get("exp_alerts") else quiet).add(case["alertname"])
    assert quiet == fires == {*map(named, ALERTS)}


@needs_promtool
@pytest.mark.parametrize("path", rule_files(), ids=lambda path: path.name)
def test_prometheus_reads_the_rules(path: Path):
    """A file with one fault leaves Prometheus without all of its rules."""
    promtool("check", "rules", path)


@needs_promtool
def test_prometheus_reads_its_configuration():
    """Compose mounts it as it is."""
    promtool("check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")


@needs_promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_alerts_fire_as_promtool_evaluates_them(path: Path):
    """With these series; quiet at first."""
    promtool("test", "rules", path)


def test_alertmanager_knows_whom_to_tell():
    """A route to a receiver that there is not ends Alertmanager at its start."""
    config = msgspec.yaml.decode((ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_bytes())
    receivers = {receiver["name"] for receiver in config["receivers"]}
    assert {
        config["route"]["receiver"],
        *(route["receiver"] for route in config["route"]["routes"]),
    } == receivers
    [inhibition] = config["inhibit_rules"]
    [source] = inhibition["source_matchers"]
    assert source.removeprefix('alertname="').removesuffix('"') in set(map(named, ALERTS))


def test_prometheus_reads_what_workers_serve():
    """At the port of a worker, at routes that there are, with the rules that are beside it."""
    config = msgspec.yaml.decode((PROMETHEUS / "prometheus.yml").read_bytes())
    paths = {job.get("metrics_path", "/metrics") for job in config["scrape_configs"]}
    assert paths == {route.path for route in (*metrics.routes, *table_metrics.routes)}
    ports = {found["port"] for job in config["scrape_configs"] for found in job["dns_sd_configs"]}
    assert ports == {Settings.model_fields["web_port"].default}
    [pattern] = config["rule_files"]
    assert sorted(PROMETHEUS.glob(Path(pattern).name)) == rule_files()


def test_the_operators_resource_has_the_rules():
    """`python deploy/prometheus/make_prometheus_rule.py` writes it; what is changed by hand is lost then."""
    script = runpy.run_path(str(PROMETHEUS / "make_prometheus_rule.py"))
    assert script["MADE"].read_text() == script["prometheus_rule"]()
