"""The page on inputs: what it lists is what there is."""

import re
from pathlib import Path

from dataflow.catalogue.declared import INGESTED
from dataflow.inputs import schedule
from dataflow.settings import variable_of
from dataflow.settings.inputs import InputSettings

PAGE = (Path(__file__).parents[2] / "docs" / "inputs.md").read_text()


def test_every_setting_is_on_the_page():
    """An operator reads the page, not the code."""
    listed = dict(re.findall(r"^\| `(DATAFLOW_\w+)` \| \| (.*) \|$", PAGE, re.MULTILINE))
    fields = InputSettings.model_fields
    assert listed == {variable_of(name): field.description for name, field in fields.items()}


def test_every_stream_is_on_the_page_and_has_its_partition():
    """A number that changed would give a stream the memory of another one."""
    listed = dict(re.findall(r"^\| `([\w-]+)` \| .* \| `([\w-]+)` \|$", PAGE, re.MULTILINE))
    assert listed == {name: stream.topic for name, stream in INGESTED.items()}
    assert [stream.ingest_number for stream in INGESTED.values()] == [0, 1, 2, 3]


def test_every_metric_is_on_the_page():
    """An alert that nobody can look up is noise."""
    metrics = (schedule.RUNS, schedule.LINES, schedule.UNREADABLE, schedule.LAST_COMPLETE)
    names = {sample.name for metric in metrics for sample in metric.describe()}
    listed = set(re.findall(r"^\| `(dataflow_ingest_\w+)(?:\{\w+\})?` \|", PAGE, re.MULTILINE))
    assert {name.removesuffix("_total") for name in listed} == names
