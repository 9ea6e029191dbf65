"""Lines that a container runtime has cut: joined where it wrote them, and never half a request."""

import json
import random

import pytest
from inputs.test_kinds import read

from dataflow.errors import InvalidEvent
from dataflow.inputs.line_parts import MOST_HELD, joined_parts
from dataflow.stages.access_log import line_parser

BEHIND = '- - [17/May/2015:10:05:03 +0000] "GET /%s HTTP/1.1" 200 5 "-" "UA"'
LINE = f"192.0.2.9 {BEHIND % ('a' * 40_000)}"
SHORT = f"192.0.2.7 {BEHIND % 'b'}"
TIMES = [f"2015-05-17T10:05:0{second}.123456789Z" for second in range(10)]
SIZES = [1, 7_001, 10**9]


def cri(*parts: str, stream: str = "stdout", first: int = 0) -> list[str]:
    """Return the parts of one line as containerd writes them."""
    tags = ["P"] * (len(parts) - 1) + ["F"]
    return [
        f"{TIMES[first + n]} {stream} {tag} {part}"
        for n, (tag, part) in enumerate(zip(tags, parts, strict=True))
    ]


def docker(*parts: str, stream: str = "stdout") -> list[str]:
    """Return the parts of one line as Docker's json-file has them."""
    logs = [*parts[:-1], f"{parts[-1]}\n"]
    return [
        json.dumps({"log": log, "stream": stream, "time": TIMES[n]}, separators=(",", ":"))
        for n, log in enumerate(logs)
    ]


def lines(*written: str) -> bytes:
    """Return lines of a file."""
    return "".join(f"{line}\n" for line in written).encode()


def cut(text: str, size: int = 16_384) -> list[str]:
    """Return a text in parts of this size."""
    return [text[at : at + size] for at in range(0, len(text), size)]


@pytest.mark.parametrize("size", SIZES)
def test_the_parts_of_a_line_of_kubernetes_become_one(size):
    """Parts of stdout and stderr stand between each other; the time is that of the first."""
    one, other = cri(*cut(LINE)), cri(*cut(LINE), stream="stderr", first=5)
    between = [part for both in zip(one, other, strict=True) for part in both]
    raw = lines(*cri(SHORT), *between, *cri(SHORT))
    expected = lines(
        f"{TIMES[0]} stdout F {SHORT}", f"{TIMES[0]} stdout F {LINE}", f"{TIMES[5]} stderr F {LINE}"
    )
    assert read(raw, size=size) == (expected + lines(*cri(SHORT)), "")


@pytest.mark.parametrize("size", SIZES)
def test_the_parts_of_a_line_of_docker_become_one(size):
    """The last one has the line feed, and the rest of the object."""
    long = LINE.replace("UA", 'a \\"quoted\\" UA')
    raw = lines(*docker(SHORT), *docker(*cut(long)), *docker(SHORT))
    content, fault = read(raw, size=size)
    assert [json.loads(line)["log"] for line in content.splitlines()] == [
        f"{each}\n" for each in (SHORT, long, SHORT)
    ]
    assert fault == ""


def test_the_last_word_of_a_container_is_not_joined_with_the_next_line():
    """It has no line feed either, but was not cut."""
    [word] = docker("going down")
    raw = lines(word.replace("\\n", ""), *docker(SHORT))
    assert read(raw) == (raw, "")


@pytest.mark.parametrize("made", [cri, docker])
def test_a_file_that_grows_gives_the_same_lines_whenever_it_is_read(made):
    """A part at the end waits: what was read once must be the begin of what is read later."""
    raw = lines(*made(SHORT), *made(*cut(LINE)), *made(SHORT), *made(*cut(LINE)), *made(SHORT))
    whole = read(raw)[0]
    chance = random.Random(1)
    for _ in range(50):
        begin = read(raw[: chance.randrange(len(raw))])[0]
        complete = begin[: begin.rfind(b"\n") + 1]
        assert whole.startswith(complete)


def test_parts_without_end_are_not_kept():
    """Memory is bounded, and no byte is lost."""
    [part, _] = cri("a" * 100_000, "b")
    raw = lines(*[part] * 100)
    content = b"".join(joined_parts(iter([raw])))
    assert content.count(b"a" * 100_000) == 100
    assert max(map(len, content.split(b"\n"))) < MOST_HELD + 200_000
    endless = (b"a" * 1_000_000 for _ in range(20))
    assert max(map(len, joined_parts(endless))) < MOST_HELD + 1_000_001


def test_a_part_that_nobody_joined_is_a_dead_letter_even_if_it_looks_whole():
    """Cut behind the size it is a common line, without the user agent that it had."""
    cut_behind_the_size = LINE[: LINE.index(' "-" "UA"')]
    by_fluent_bit = {"time": TIMES[0], "stream": "stdout", "_p": "P", "log": cut_behind_the_size}
    for line in (f"{TIMES[0]} stdout P {cut_behind_the_size}", json.dumps(by_fluent_bit)):
        with pytest.raises(InvalidEvent, match=r"part \(P\) that the container runtime has cut off"):
            line_parser(None).parse(line.encode())
