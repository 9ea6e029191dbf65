"""`dataflow apply`: runs one stage over lines, without a broker."""

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from dataflow.cli.standard_streams import drop_output, reader_is_gone
from dataflow.cli.terminal import results
from dataflow.errors import DataflowError, Misconfigured, expected_one_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dataflow.stages.lines import LineStage

ACCESS_LOG = "access-log"
STDIN = Path("-")
TAKES = {
    "--rules": "filter",
    "--format": ACCESS_LOG,
    "--geoip-city": ACCESS_LOG,
    "--geoip-asn": ACCESS_LOG,
    "--explain": ACCESS_LOG,
}
"""The stage that each option is for."""

StageName = Annotated[
    str,
    typer.Argument(
        metavar="STAGE", help="filter, stay-category, source-category, access-log or datastream2."
    ),
]
LineFile = Annotated[Path, typer.Argument(metavar="FILE", help="Lines, plain or packed; - is stdin.")]
DeadLetterFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write events that cannot be used into this file, as NDJSON."),
]
RuleFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="filter: its rules (DATAFLOW_FILTER_RULES).")
]
LogFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="access-log: a name of `dataflow formats`, or the format of your server's configuration "
        "(DATAFLOW_ACCESS_LOG_FORMAT).",
    ),
]
Explain = Annotated[
    bool, typer.Option("--explain", help="access-log: show the columns of each line instead of results.")
]
CityDatabase = Annotated[
    Path | None, typer.Option(metavar="FILE", help="access-log: database (DATAFLOW_GEOIP_CITY).")
]
NetworkDatabase = Annotated[
    Path | None, typer.Option(metavar="FILE", help="access-log: database (DATAFLOW_GEOIP_ASN).")
]


def apply(
    stage: StageName,
    file: LineFile = STDIN,
    dead_letters: DeadLetterFile = None,
    rules: RuleFile = None,
    log_format: LogFormat = None,
    geoip_city: CityDatabase = None,
    geoip_asn: NetworkDatabase = None,
    explain: Explain = False,
) -> None:
    """Run one stage on the lines of a file, without a broker.

    Results go to stdout, one event a line, in the order of the input. The counts of the events go to
    stderr at the end, as JSON unless stderr is a terminal. An empty line is an event, too.

    A dead letter has stage, reason, detail, the number of the line, and its exact bytes in raw_base64. If
    every line is one, the exit code is 1, and the first reasons are shown. FILE can be of any kind that
    `dataflow ingest` reads.

    \b
    Example:
      dataflow apply stay-category bookings.ndjson.gz | head
      dataflow apply access-log access.log --explain | less
      dataflow apply access-log access.log.gz --geoip-city GeoLite2-City.mmdb
      dataflow apply filter cdn.gz --dead-letters bad.ndjson > kept.ndjson
    """
    run = _stage_named(stage, rules, log_format, geoip_city, geoip_asn)
    places = {"--geoip-city": geoip_city, "--geoip-asn": geoip_asn, "--explain": explain or None}
    _refuse_other_options(stage, {"--rules": rules, "--format": log_format, **places})
    _explain(file, log_format) if explain else _run(stage, run, file, dead_letters)


def _explain(file: Path, log_format: str | None) -> None:
    from dataflow.cli.explain import explain_lines
    from dataflow.cli.lines import lines_of
    from dataflow.settings import settings

    current = settings()
    with lines_of(file, are_json=False) as lines:
        explain_lines(log_format or current.access_log_format, current.access_log_zone, lines)


def _run(name: str, stage: "LineStage", file: Path, dead_letters: Path | None) -> None:
    from dataflow.cli.lines import lines_of
    from dataflow.cli.stage_run import LineCounts, run_stage

    counts = LineCounts()
    _refuse_input_as_output(file, dead_letters)
    with lines_of(file, are_json=name != ACCESS_LOG) as lines, _file_of(dead_letters) as letters:
        try:
            run_stage(name, stage, lines, results(), letters, counts)
            sys.stdout.flush()
        except BrokenPipeError:
            if not reader_is_gone():
                raise
            drop_output()
        finally:
            typer.echo(str(counts) if sys.stderr.isatty() else counts.as_json(), err=True)
    if counts.received and counts.dead_lettered == counts.received:
        raise DataflowError("every line became a dead letter; " + "; ".join(counts.first_faults))


def _refuse_input_as_output(file: Path, dead_letters: Path | None) -> None:
    """Refuse to write dead letters over the lines: opening the file would empty it before it is read."""
    if dead_letters is None or not dead_letters.is_file():
        return
    with suppress(OSError):  # a file of lines that does not exist is told where it is opened
        lines = sys.stdin.fileno() if file == STDIN else file
        if os.path.samefile(lines, dead_letters):  # noqa: PTH121  # stdin has a number, and no path
            told = f"--dead-letters is '{dead_letters}', the file of the lines"
            raise Misconfigured(f"{told}; expected another")


@contextmanager
def _file_of(dead_letters: Path | None) -> "Iterator[BinaryIO | None]":
    """Open the file of dead letters; raise `Misconfigured` if it cannot be written."""
    if dead_letters is None:
        yield None
        return
    try:
        file = dead_letters.open("wb")
    except OSError as error:
        raise Misconfigured(
            f"--dead-letters is '{dead_letters}'; expected a file that can be written ({error.strerror})"
        ) from error
    with file:
        yield file


def _refuse_other_options(stage: str, options: "Mapping[str, object]") -> None:
    """Refuse an option that the stage would not look at: whoever gave it means another stage."""
    for option, value in options.items():
        if value is not None and stage != TAKES[option]:
            raise Misconfigured(
                f"{option} is '{value}'; expected no such option for {stage}: it belongs to {TAKES[option]}"
            )


def _stage_named(
    name: str, rules: Path | None, log_format: str | None, geoip_city: Path | None, geoip_asn: Path | None
) -> "LineStage":
    from dataflow.settings import settings
    from dataflow.stages.lines import LINE_STAGES, StageOptions
    from dataflow.stages.source_category import DEFAULT_UTM_SOURCES

    if name not in LINE_STAGES:
        raise Misconfigured(f"STAGE is '{name}'; {expected_one_of(LINE_STAGES, name)}")
    current = settings()
    return LINE_STAGES[name](
        StageOptions(
            rules=rules or current.filter_rules,
            format=log_format or current.access_log_format,
            zone=current.access_log_zone,
            geoip_city=geoip_city or current.geoip_city,
            geoip_asn=geoip_asn or current.geoip_asn,
            utm_sources=current.utm_sources or DEFAULT_UTM_SOURCES,
        )
    )
