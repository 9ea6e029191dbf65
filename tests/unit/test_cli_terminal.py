"""What commands print for programs."""

import json
from pathlib import Path
from types import MappingProxyType

from dataflow.cli.terminal import print_json


def test_in_a_pipe_every_mapping_is_an_object(capsys):
    """`dataflow topics | jq` had the settings of topics as a text that only Python reads."""
    print_json({"configs": MappingProxyType({"cleanup.policy": "compact"}), "folder": Path("data")})
    assert json.loads(capsys.readouterr().out) == {"configs": {"cleanup.policy": "compact"}, "folder": "data"}
