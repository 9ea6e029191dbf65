import threading
from pathlib import Path

import pytest

from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.jars import LOCK_FILE, cache_folder, kafka_jars, read_lock
from dataflow.errors import Misconfigured

VICTIM = "kafka-raft-4.1.1.jar"
REPAIRED = {
    "at.yawk.lz4:lz4-java": (1, 10, 1),
    "commons-beanutils:commons-beanutils": (1, 11, 0),
    "org.apache.logging.log4j:log4j-core": (2, 25, 3),
    "com.fasterxml.jackson.core:jackson-core": (2, 21, 1),
}
"""The first version of each without the vulnerabilities that Kafka 4.1.1's own has."""


def unheard(done, total):
    """Hear of no progress."""


@pytest.fixture
def jar_folder(broker, tmp_path, monkeypatch) -> Path:
    """Return a cache of the test's own, filled as the session's is, with no way out to the network."""
    folder = tmp_path / "cache" / "kafka"
    folder.mkdir(parents=True)
    for jar in (cache_folder() / "kafka").glob("*.jar"):
        (folder / jar.name).symlink_to(jar)
    monkeypatch.setenv("DATAFLOW_CACHE_DIR", str(folder.parent))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    return folder


def test_the_lock_file_names_every_jar_once_with_a_whole_hash():
    """46 jars are Kafka 4.1.1, its dependencies and a logger."""
    jars = read_lock(LOCK_FILE.read_text())

    assert len({jar.file_name for jar in jars}) == 46
    assert {len(jar.sha256) for jar in jars} == {64}


def test_no_jar_has_a_vulnerability_that_a_newer_one_has_not():
    """Kafka 4.1.1 asks for lz4-java 1.8.0, which reads beyond its buffers, and for others of the kind."""
    versions = {f"{jar.group}:{jar.artifact}": jar.version for jar in read_lock(LOCK_FILE.read_text())}

    assert "org.lz4:lz4-java" not in versions
    for name, repaired in REPAIRED.items():
        assert tuple(map(int, versions[name].split("."))) >= repaired, name


def test_a_filled_cache_needs_no_network(jar_folder):
    """A laptop on a train starts its broker too."""
    assert [jar.parent for jar in kafka_jars(unheard)] == [jar_folder] * 46


def test_a_jar_that_is_not_the_one_of_the_lock_file_is_refused(jar_folder, tmp_path):
    """Whatever happened to it, it is not run; the error names the file to delete."""
    (jar_folder / VICTIM).unlink()
    (jar_folder / VICTIM).write_bytes(b"PK\x03\x04 and something else")

    with pytest.raises(Misconfigured, match=rf"sha256 of .*{VICTIM} is \w+; expected \w+: delete"):
        EmbeddedBroker(tmp_path / "home").start()


def test_a_jar_that_cannot_be_fetched_is_named(jar_folder):
    """No network on the first start is the likeliest trouble of all."""
    (jar_folder / VICTIM).unlink()

    with pytest.raises(Misconfigured, match=f"{VICTIM} is not in the cache; expected to fetch it"):
        kafka_jars(unheard)

    assert list(jar_folder.glob("fetching-*")) == []


def test_two_who_need_the_same_jar_fetch_it_once(jar_folder, monkeypatch):
    """Test runs and a demo started together share the cache."""
    monkeypatch.delenv("HTTPS_PROXY")
    (jar_folder / VICTIM).unlink()
    heard = []

    fetching = [
        threading.Thread(target=kafka_jars, args=[lambda *told: heard.append(told)]) for _ in range(2)
    ]
    for thread in fetching:
        thread.start()
    for thread in fetching:
        thread.join()

    assert heard == [(46, 46)]
