"""docker-compose.yml: no secret where it can be read, every service bounded, nothing that does not exist."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from harness import compose_file
from harness.compose_file import ENV_EXAMPLE, ROOT, SECRETS, Service, services

from dataflow.provisioning.deployment_secrets import SecretOptions, make_secrets
from dataflow.provisioning.kafka_users import ADMIN, ROLES, kafka_user
from dataflow.provisioning.secret_folder import SecretFolder
from dataflow.settings import Role, Settings, read_settings, variable_of
from dataflow.settings.secret_files import is_secret

SERVICES = services()
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "dataflow")
WORKERS = sorted(name for name in OURS if not compose_file.is_job(SERVICES[name]))
PROFILES = ("samples", "sinks", "watch", "https")

NO_SECRETS = {"ROOT_ACCESS_KEY", "DATAFLOW_S3_ACCESS_KEY", "VGW_KEY"}
"""Names of a user, and paths."""

RULES = str(ROOT / "deploy" / "compose" / "rules")
"""What workers find in /etc/dataflow."""

OWN_SECRETS = {"alert-page-url", "alert-ticket-url"}
"""Files that the operator writes: where alerts are sent."""


def faults_of(service: Service) -> Iterator[str]:
    """Yield what a service lacks to be bounded and without rights."""
    if service.get("read_only") is not True:
        yield "read_only"
    if service.get("cap_drop") != ["ALL"]:
        yield "cap_drop"
    if "no-new-privileges:true" not in service.get("security_opt", ()):
        yield "security_opt"
    if set(service.get("logging", {}).get("options", ())) != {"max-size", "max-file"}:
        yield "logging"
    yield from (bound for bound in ("mem_limit", "pids_limit", "stop_grace_period") if not service.get(bound))
    if not (service["restart"] == "no" or service.get("healthcheck", {}).get("test")):
        yield "healthcheck"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all that `dataflow secrets init` makes."""
    folder = tmp_path_factory.mktemp("secrets")
    make_secrets(
        SecretFolder(folder, for_containers=True), SecretOptions({}, 30, PurePosixPath("/run/secrets"))
    )
    return folder


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_bounded_and_has_no_rights(name: str):
    """One that grows, fills the disk with its log, or is broken into must not take the machine with it."""
    assert not list(faults_of(SERVICES[name]))


@pytest.mark.parametrize(
    "bound",
    ["read_only", "cap_drop", "security_opt", "logging", "mem_limit", "pids_limit", "stop_grace_period",
     "healthcheck"],
)  # fmt: skip
def test_a_bound_that_is_missing_is_seen(bound: str):
    """A check that accepts everything proves nothing."""
    service = {name: value for name, value in SERVICES["kafka"].items() if name != bound}
    assert list(faults_of(service)) == [bound]


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_in_an_environment(name: str):
    """`docker inspect` shows it to whoever may use Docker, and children inherit it."""
    secret = {
        variable_of(field)
        for field, known in Settings.model_fields.items()
        if is_secret(known.annotation) and field not in ("s3_endpoint", "opensearch_url")
    }
    for variable, value in compose_file.environment(SERVICES[name]).items():
        is_file = value.startswith(SECRETS)
        assert variable not in secret
        assert "@" not in value.replace("@sha256", "")
        looks_secret = re.search("PASSWORD|SECRET|TOKEN|KEY|CREDENTIAL", variable)
        assert not looks_secret or is_file or variable in NO_SECRETS, variable


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gets_the_secrets_that_it_uses_and_no_others(name: str):
    """One that is missing keeps it from starting; one too many is lost with it."""
    service = SERVICES[name]
    used = compose_file.used_secrets(service)
    if "DATAFLOW_POSTGRES_URL_FILE" in compose_file.environment(service):
        used.add("ca.crt")
    used |= {"kafka-admin-password", "admin-password"} if name == "kafka-ui" else set()  # by configtree
    assert used == set(compose_file.secret_targets(service))


def test_every_secret_is_made_by_one_command(made: Path):
    """Whoever has started it once must not look for what is missing."""
    declared = compose_file.compose()["secrets"]
    assert {file["file"].removeprefix("./secrets/") for file in declared.values()} == set(declared)
    assert set(declared) - OWN_SECRETS <= {file.name for file in made.iterdir()}
    used = {source for one in SERVICES.values() for source in compose_file.secret_targets(one).values()}
    assert used == set(declared)


@pytest.mark.parametrize("name", OURS)
def test_settings_exist_and_are_taken(name: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A name that is misspelt is found here, not at the start."""
    for target, source in compose_file.secret_targets(SERVICES[name]).items():
        (tmp_path / target).write_bytes((made / source).read_bytes())
    for variable, value in compose_file.environment(SERVICES[name]).items():
        if variable.startswith("DATAFLOW_"):
            monkeypatch.setenv(
                variable, value.replace(SECRETS, f"{tmp_path}/").replace("/etc/dataflow", RULES)
            )
    settings = read_settings()
    login = str(settings.broker_username).removeprefix("dataflow-")
    assert login in {ADMIN, *ROLES}
    if name in WORKERS:
        assert settings.broker_username == kafka_user(settings.role)
        source = compose_file.secret_targets(SERVICES[name])["kafka-password"]
        assert source == f"kafka-{settings.role}-password"
        assert settings.advertised_host == name
        grace = int(SERVICES[name]["stop_grace_period"].removesuffix("s"))
        assert grace > settings.shutdown_seconds + settings.drain_seconds + 5


def test_there_is_a_worker_for_all_that_the_profiles_promise():
    """Two that enrich, so that one may be restarted."""
    roles = sorted(compose_file.environment(SERVICES[name])["DATAFLOW_ROLE"] for name in WORKERS)
    wanted = [Role.ENRICH] * 2 + [Role.INGEST, Role.SINK_OPENSEARCH, Role.SINK_POSTGRES, Role.SINK_S3]
    assert roles == sorted(wanted)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_it_needs(name: str):
    """A job is waited for until it has succeeded, a server until it is healthy; nothing sleeps."""
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        is_job = compose_file.is_job(SERVICES[needed])
        assert how["condition"] == ("service_completed_successfully" if is_job else "service_healthy")
        assert set(SERVICES[needed].get("profiles", [])) <= set(SERVICES[name].get("profiles", []))
    for file in compose_file.mounted_files(SERVICES[name]):
        assert file.suffix != ".sh" or "sleep" not in file.read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_by_version_and_digest(name: str):
    """What was tried is what runs."""
    image = SERVICES[name]["image"]
    assert image == "dataflow" or re.fullmatch(r"[\w./-]+:v?\d+\.[\w.-]+@sha256:[0-9a-f]{64}", image)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_alone(name: str):
    """Only the proxy is for others; Docker opens a port past the firewall of the host."""
    for port in SERVICES[name].get("ports", ()):
        assert name == "proxy" or port.startswith("127.0.0.1:")


def test_what_is_mounted_and_declared_is_there_and_used():
    """A folder that is missing is made by Docker, empty and of root."""
    document = compose_file.compose()
    volumes = [str(one).split(":")[0] for service in SERVICES.values() for one in service.get("volumes", ())]
    assert all((ROOT / source).exists() for source in volumes if source.startswith("."))
    assert {source for source in volumes if not source.startswith(".")} == set(document["volumes"])
    assert {one for service in SERVICES.values() for one in service["networks"]} == set(document["networks"])
    profiles = {one for service in SERVICES.values() for one in service.get("profiles", ())}
    assert profiles == set(PROFILES)


def test_prometheus_asks_every_worker():
    """A worker that it does not know is never missed."""
    text = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    [names] = re.findall(r"job_name: dataflow\n.*?names: \[(.*?)\]", text, re.DOTALL)
    asked = set(names.split(", "))
    for name in WORKERS:
        networks = SERVICES[name]["networks"]
        aliases = networks["inside"]["aliases"] if isinstance(networks, dict) else []
        assert asked & {name, *aliases}


def test_the_example_of_an_environment_is_that_of_the_file():
    """It is what people copy: each variable with its default, none forgotten and none that does nothing."""
    given = dict(re.findall(r"^#?([A-Z_0-9]+)=(.*)$", ENV_EXAMPLE.read_text(), re.MULTILINE))
    assert {name: {default} for name, default in given.items()} == compose_file.variables()


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="needs Debian's docker-compose, or v2")
@pytest.mark.parametrize("profile", PROFILES)
def test_compose_takes_the_file(profile: str):
    """It knows keys and types that no check of ours does."""
    command = ["docker-compose", "-f", str(compose_file.COMPOSE_FILE), "--profile", profile, "config", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert not done.returncode, done.stderr


def test_the_page_says_what_each_service_is_for():
    """Whoever sees it in `docker compose ps` looks it up there."""
    page = (ROOT / "docs" / "deploy-compose.md").read_text()
    assert not [name for name in SERVICES if f"`{name}`" not in page]


def test_the_readme_starts_it_as_the_page_does():
    """The three commands are the first that somebody tries."""
    command = re.compile(r"^(?:docker build|mkdir|docker compose run --rm samples).*?(?=  #|$)", re.MULTILINE)
    texts = [(ROOT / file).read_text() for file in ("README.md", "docs/deploy-compose.md")]
    first, second = ([one.strip() for one in command.findall(text)] for text in texts)
    assert len(first) == 3
    assert first == second
