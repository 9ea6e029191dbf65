import re
import sys
from pathlib import Path

import pytest
from kafka_client import KafkaClient
from sinks.waiting import until

import dataflow.sinks
from dataflow.catalogue.streams.analytics_events import ANALYTICS_EVENTS
from dataflow.catalogue.streams.dead_letters import DEAD_LETTERS
from dataflow.settings import Settings
from dataflow.sinks.configured import configured_sinks

PAGE = Path(__file__).parents[2] / "docs" / "sinks.md"


@pytest.fixture
def from_the_page(tmp_path, monkeypatch):
    """Put the sink of docs/sinks.md where a sink of one file goes, for as long as the test lasts."""
    [source] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    [name] = re.findall(r"`dataflow/sinks/(\w+)\.py`\)", PAGE.read_text("utf-8"))
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.setattr(dataflow.sinks, "__path__", [*dataflow.sinks.__path__, str(tmp_path)])
    yield
    sys.modules.pop(f"dataflow.sinks.{name}", None)


async def test_the_sink_of_the_page_is_found_and_stores_each_record_once(
    from_the_page, own_broker, tmp_path, run
):
    """One file is all it takes."""
    folder = tmp_path / "data" / "one-file-each"
    folder.mkdir(parents=True)
    [sink] = configured_sinks(Settings(data_dir=tmp_path / "data"))
    client = KafkaClient(own_broker.address)
    client.create_topics([ANALYTICS_EVENTS.name, DEAD_LETTERS.name], partitions=1)
    client.produce(ANALYTICS_EVENTS.name, [b"one", b"", b"three"])
    runner = await run(sink, address=client.address)
    await until(lambda: sum(partition.committed_offset for partition in runner.partitions.values()) == 3)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        "analytics-events-0-0": b"one",
        "analytics-events-0-2": b"three",
    }
    await until(lambda: client.read_topic(DEAD_LETTERS.name))
    [letter] = client.read_topic(DEAD_LETTERS.name)
    headers = dict(letter.headers)
    assert headers["dataflow-stage"] == b"sink-one-file-each"
    assert headers["dataflow-detail"] == b"record is empty"


def test_the_page_names_every_setting_of_a_sink_as_it_is():
    """A setting that is renamed is renamed there, too."""
    named = set(re.findall(r"DATAFLOW_(?!TEST_)\w+", PAGE.read_text("utf-8")))
    known = {f"DATAFLOW_{field.upper()}" for field in Settings.model_fields}
    assert named <= known
