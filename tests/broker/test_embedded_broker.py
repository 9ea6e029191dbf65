import subprocess
import sys

import psutil
import pytest
from kafka_client import KafkaClient

from dataflow.broker_home import running_broker
from dataflow.demo.broker import EmbeddedBroker
from dataflow.demo.broker.jars import cache_folder
from dataflow.errors import Misconfigured


def test_what_was_acknowledged_survives_a_kill(own_broker):
    """The demo and the chaos tests rely on it: the broker is a real one with a disk."""
    client = KafkaClient(own_broker.address)
    client.create_topics("kept", partitions=2)
    client.produce("kept", [b"%d" % n for n in range(1000)], partition=1)
    before = own_broker.address

    own_broker.kill()
    own_broker.start()
    own_broker.wait_ready()

    assert own_broker.address == before
    assert [read.value for read in client.read_topic("kept")] == [b"%d" % n for n in range(1000)]


@pytest.mark.parametrize("codec", ["lz4", "snappy", "zstd", "gzip"])
def test_the_broker_packs_and_unpacks_by_every_codec(own_broker, codec):
    """A jar that does not fit shows only where its code runs; the senders pack nothing, the topic does."""
    client = KafkaClient(own_broker.address)
    client.create_topics(codec, partitions=1, **{"compression.type": codec})
    values = [b"%d " % n * 100 for n in range(1_000)]

    client.produce(codec, values)

    assert [read.value for read in client.read_topic(codec)] == values


def test_a_stopped_broker_comes_back_with_its_data(own_broker):
    """The same in good order, by an object that knows only the folder."""
    client = KafkaClient(own_broker.address)
    client.create_topics("kept", partitions=1)
    client.produce("kept", [b"one"])

    own_broker.stop()
    again = EmbeddedBroker(own_broker.home)
    again.start()
    again.wait_ready()

    try:
        assert [read.value for read in KafkaClient(again.address).read_topic("kept")] == [b"one"]
    finally:
        again.kill()


def test_a_second_broker_on_the_same_folder_is_refused_and_the_first_is_named(own_broker):
    """Two brokers on one folder would destroy each other's data."""
    with pytest.raises(Misconfigured, match=f"in use by the broker with pid {own_broker.pid}; expected"):
        EmbeddedBroker(own_broker.home).start()

    assert running_broker(own_broker.home) == own_broker.address


def test_a_running_broker_is_found_by_its_folder_and_a_dead_one_is_not(own_broker):
    """A pid or a port in a file may belong to somebody else by now."""
    assert running_broker(own_broker.home) == own_broker.address

    psutil.Process(own_broker.pid).kill()
    psutil.Process(own_broker.pid).wait(10)

    assert running_broker(own_broker.home) is None


def test_no_broker_is_found_in_a_folder_that_is_not_there(tmp_path):
    """Asking makes nothing."""
    assert running_broker(tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_a_port_that_is_taken_is_refused(broker, tmp_path):
    """Said before a JVM is started, and with the port."""
    taken = int(broker.address.rpartition(":")[2])

    with pytest.raises(Misconfigured, match=f"port of the broker is {taken}; expected one that is free"):
        EmbeddedBroker(tmp_path, taken).start()

    assert running_broker(tmp_path) is None


def test_a_broker_that_dies_at_start_says_why(tmp_path):
    """The last lines of its log are in the error, nobody has to look for the file."""
    broker = EmbeddedBroker(tmp_path, properties={"num.partitions": "many"})
    broker.start()

    with pytest.raises(Misconfigured, match=r"(?s)gone with exit code 1; expected.*many"):
        broker.wait_ready()


def test_a_broker_that_is_not_started_cannot_be_waited_for(tmp_path):
    """A clear error instead of an endless wait."""
    with pytest.raises(Misconfigured, match="is not started"):
        EmbeddedBroker(tmp_path).wait_ready()


def test_the_broker_dies_with_the_program_that_started_it(tmp_path):
    """A killed test run or demo leaves no JVM behind."""
    program = (
        "import sys, pathlib, dataflow.demo.broker as b\n"
        "broker = b.EmbeddedBroker(pathlib.Path(sys.argv[1])); broker.start()\n"
        "print(broker.pid, flush=True); sys.stdin.read()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    broker = psutil.Process(int(starter.stdout.readline()))

    starter.kill()
    starter.communicate()

    broker.wait(10)
    assert running_broker(tmp_path) is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    """A full or read-only disk shows itself first where the folder is prepared."""
    (tmp_path / "file").touch()

    with pytest.raises(Misconfigured, match=r"file/broker is not writable; expected a folder with room"):
        EmbeddedBroker(tmp_path / "file" / "broker").start()


def test_a_broker_that_never_served_leaves_no_class_archive(tmp_path, monkeypatch):
    """The archive of a start that failed holds too little, and would be used for ever."""
    cache = tmp_path / "cache" / "kafka"
    cache.mkdir(parents=True)
    for jar in (cache_folder() / "kafka").glob("*.jar"):
        (cache / jar.name).symlink_to(jar)
    monkeypatch.setenv("DATAFLOW_CACHE_DIR", str(cache.parent))
    broker = EmbeddedBroker(tmp_path / "broker", properties={"num.partitions": "many"})
    broker.start()
    with pytest.raises(Misconfigured):
        broker.wait_ready()

    broker.stop()

    assert [path.name for path in cache.iterdir() if ".jar" not in path.name] == ["lock"]
