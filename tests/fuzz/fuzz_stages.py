"""Fuzzing: bytes that atheris makes up in, a crash or a hang of a stage out.

Run `python tests/fuzz/fuzz_stages.py` (a minute), or with libFuzzer's own options, as
`-max_total_time=600 corpus/`. It needs the package atheris.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["dataflow"]):
    from dataflow.errors import InvalidEvent
    from dataflow.stages.access_log import line_stage as access_log_line_stage
    from dataflow.stages.datastream2 import line_stage as datastream2_line_stage
    from dataflow.stages.user_agent import user_agent_of

SECONDS = 60
SECONDS_A_LINE = 5
LONGEST_LINE = 8_192
STAGES = (
    access_log_line_stage(None, None, None),
    access_log_line_stage('%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"', None, None),
    access_log_line_stage("[$time_iso8601] $remote_addr:$remote_port $uri$is_args$args $status", None, None),
    datastream2_line_stage(),
)


def fuzz(raw: bytes) -> None:
    """Give one line to every stage; only a dead letter may be raised."""
    for stage in STAGES:
        with suppress(InvalidEvent):
            assert len(stage(raw)) == 1
    user_agent_of(raw.decode(errors="replace"))


if __name__ == "__main__":
    bounds = [f"-max_total_time={SECONDS}", f"-timeout={SECONDS_A_LINE}", f"-max_len={LONGEST_LINE}"]
    atheris.Setup([sys.argv[0], *bounds, *sys.argv[1:]], fuzz)
    atheris.Fuzz()
