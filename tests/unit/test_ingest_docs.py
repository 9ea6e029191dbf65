"""The page on HTTP ingest: what it lists is what there is."""

import re
from pathlib import Path

from dataflow.catalogue.declared import INGESTED
from dataflow.settings import variable_of
from dataflow.settings.inputs import ReceivingSettings

PAGE = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text()


def test_every_setting_is_on_the_page_with_its_default():
    """An operator reads the page, not the code."""
    listed = dict(re.findall(r"^\| `(DATAFLOW_INGEST_\w+)` \| (.*\|.*) \|$", PAGE, re.MULTILINE))
    own = {
        name: field for name, field in ReceivingSettings.model_fields.items() if name.startswith("ingest_")
    }
    expected = {
        variable_of(
            name
        ): f"{'' if field.default in (None, ()) else field.default} | {field.description}".lstrip()
        for name, field in own.items()
    }
    assert listed == expected


def test_every_stream_is_on_the_page_with_its_topic():
    """A stream that nobody knows is not used."""
    for name, stream in INGESTED.items():
        assert re.search(rf"^\| .*/ingest/{name}`.*\| `{stream.topic}` \|$", PAGE, re.MULTILINE), name
