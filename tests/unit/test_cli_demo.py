"""The demo's parts: its counts, its folder, its mix of streams."""

import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from io import StringIO
from itertools import islice
from pathlib import Path

import pytest
from rich.console import Console
from rich.live import Live

from dataflow.demo.play.folders import fresh_folder, kept_folder
from dataflow.demo.play.generated_events import GENERATED_TOPICS, GeneratedEvents
from dataflow.demo.play.own_inputs import check_inputs, oldest_first
from dataflow.demo.play.player import _interleaved, happening
from dataflow.demo.play.run import PLAYED_TOPICS
from dataflow.demo.play.screen import TABLES, live_screen
from dataflow.demo.play.stream_counts import StreamCounts, gaps, since
from dataflow.demo.samples import SAMPLE_TOPICS, sample_events
from dataflow.errors import Misconfigured


@pytest.mark.parametrize(
    ("counts", "differences"),
    [
        (StreamCounts(10, 7, 2, 1), []),
        (StreamCounts(9, 7, 1, 1), ["expedia received 9 of 10 played"]),
        (StreamCounts(11, 11), ["expedia received 11 of 10 played"]),
        (StreamCounts(10, 9), ["expedia received 10 and passed on 9"]),
        (
            StreamCounts(9, 10),
            ["expedia received 9 of 10 played", "expedia received 9 and passed on 10"],
        ),
    ],
)
def test_every_gap_is_named(counts, differences):
    """Missing, doubled, and in no place at all are three faults."""
    assert gaps({"expedia": counts}, {"expedia": 10}) == differences


def test_a_stream_that_nobody_knows_is_a_gap():
    """No agent has read it."""
    assert gaps({}, {"expedia": 10}) == ["expedia received 0 of 10 played"]


def test_what_was_there_before_does_not_count():
    """A broker of one's own may hold older events."""
    before, now = (
        {"a": StreamCounts(5, 5)},
        {"a": StreamCounts(8, 7, 1), "b": StreamCounts(1, 1)},
    )
    assert since(before, now) == {"a": StreamCounts(3, 2, 1), "b": StreamCounts(1, 1)}


def test_of_ones_own_files_the_oldest_is_first_and_what_cannot_be_read_is_named(tmp_path: Path):
    """A rotated log whose link leads nowhere was left out, and nobody was told."""
    for age, name in enumerate(["access.log", "access.log.1"]):
        (tmp_path / name).write_bytes(b"line\n")
        os.utime(tmp_path / name, (1_000 - age, 1_000 - age))
    (tmp_path / "access.log.2").symlink_to(tmp_path / "gone")
    places, unreadable = oldest_first([str(tmp_path), "s3://logs/"])
    assert places == [str(tmp_path / "access.log.1"), str(tmp_path / "access.log"), "s3://logs/"]
    assert unreadable == [
        f"{tmp_path / 'access.log.2'} is a link to nowhere ({tmp_path / 'gone'}); expected a file"
    ]


def test_a_link_to_nowhere_refuses_a_demo_only_if_there_is_nothing_else(tmp_path: Path):
    """It came first by its name, and the logs behind it were not shown."""
    (tmp_path / "a").symlink_to(tmp_path / "gone")
    with pytest.raises(Misconfigured, match="a is a link to nowhere"):
        check_inputs("access-logs", [str(tmp_path)])
    (tmp_path / "b").write_text("a line\n")
    check_inputs("access-logs", [str(tmp_path)])


def test_a_second_demo_on_a_folder_is_refused(tmp_path):
    """Two would play into the same topics and blame each other."""
    with (
        kept_folder(tmp_path),
        pytest.raises(Misconfigured, match="in use by another demo"),
        kept_folder(tmp_path),
    ):
        pass
    with kept_folder(tmp_path):
        pass  # the first has ended


def test_a_fresh_folder_is_gone_afterwards(tmp_path):
    """So that the next run begins with nothing, like this one."""
    with fresh_folder(tmp_path / "data") as folder:
        (folder / "log").write_text("x")
        assert folder.parent == tmp_path / "data"
    assert list((tmp_path / "data").iterdir()) == []


def test_the_streams_are_mixed_by_their_size():
    """At any rate, all three move, and all begin anew together."""
    sizes = {stream: len(sample_events(stream)) for stream in SAMPLE_TOPICS}
    tenth = Counter(stream for stream, _ in islice(_interleaved(), sum(sizes.values()) // 10))
    assert {stream: round(sizes[stream] / count) for stream, count in tenth.items()} == {
        "cdn-logs": 10,
        "expedia": 10,
        "raw-web-events": 10,
    }


def test_the_samples_are_whole():
    """Every count that is shown rests on these."""
    assert {stream: len(sample_events(stream)) for stream in SAMPLE_TOPICS} == {
        "cdn-logs": 9999,
        "expedia": 21891,
        "raw-web-events": 5874,
    }


def test_a_played_event_happens_now_and_is_otherwise_as_it_was():
    """Round after round the windows of the demo have to move on."""
    now = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    line = b'{"reqId": "1", "reqTimeSec": "1431857103.606", "bytes": "7"}'
    assert happening("cdn-logs", now, line) == b'{"reqId": "1", "reqTimeSec": "1767323045.678", "bytes": "7"}'


def test_a_tenth_of_all_events_is_of_each_generated_stream():
    """Traffic and events are on the page, too, and the rate is what was asked for."""
    generated, now = GeneratedEvents(100), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    lines = [generated.lines(7, now) for _ in range(100)]
    counts = {topic: sum(len(each.get(topic, ())) for each in lines) for topic in GENERATED_TOPICS}
    assert counts == {"access-logs": 70, "analytics-events": 70}
    assert b"[02/Jan/2026:03:04:05 +0000]" in lines[1]["access-logs"][0]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40)])
def test_the_live_screen_keeps_the_address_and_the_way_out(width: int, height: int):
    """Tables pushed both of them off the screen."""
    entries = [{"key": f"/path/of/number/{number}", "count": 10_000, "bytes": 10**12} for number in range(6)]
    answer = {"table": "requests_per_endpoint", "window": "all", "windows": [{"entries": entries}]}
    head = "The page: http://127.0.0.1:6066/\nCtrl-C ends the demo."
    counts = {topic: StreamCounts(10**6, 10**6) for topic in PLAYED_TOPICS}
    shown = live_screen(head, counts, dict.fromkeys(TABLES, answer), width)
    screen = StringIO()
    console = Console(file=screen, width=width, height=height, force_terminal=True, color_system=None)
    with Live(shown, console=console, auto_refresh=False, vertical_overflow="crop"):
        lines = screen.getvalue().splitlines()
    assert [line for line in head.splitlines() if not any(line in shown_line for shown_line in lines)] == []
    assert len(lines) <= height
    assert all(any(topic in line for line in lines) for topic in PLAYED_TOPICS)


SECOND_CTRL_C = """
import os, signal, subprocess, sys, threading, time
from pathlib import Path
from dataflow.demo.play.workers import DemoWorker, _stop
deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
child.stdout.read(1)
def press_ctrl_c():
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press_ctrl_c).start()
_stop([DemoWorker("", Path(), child, {})], 600)
print(child.returncode)
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
except KeyboardInterrupt:
    print("ended")
"""


def test_ctrl_c_once_more_ends_workers_at_once():
    """While they finished their work it was a traceback, and they were left to themselves.

    A third one did nothing, while the broker took its time to end.
    """
    done = subprocess.run(
        [sys.executable, "-c", SECOND_CTRL_C], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("-9\nended\n", "")
