"""`dataflow apply`: a stage and lines in, the stage's results out; no broker needed."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.cli.stage_run import LineCounts
    from dataflow.stages.lines import LineStage

TAKES = {
    "--rules": "filter",
    "--format": "access-log",
    "--geoip-city": "access-log",
    "--geoip-asn": "access-log",
}
"""The stage that each option is for."""


def apply(
    stage: Annotated[
        str, typer.Argument(help="filter, stay-category, source-category, access-log or datastream2.")
    ],
    file: Annotated[Path, typer.Argument(help="Plain or gzip lines; - is stdin.")] = Path("-"),
    dead_letters: Annotated[
        typer.FileBinaryWrite | None,
        typer.Option(lazy=False, help="Where events that cannot be used go, as NDJSON."),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="filter: its rules (DATAFLOW_FILTER_RULES)."),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option("--format", help="access-log: the server's own (DATAFLOW_ACCESS_LOG_FORMAT)."),
    ] = None,
    geoip_city: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="access-log: database (DATAFLOW_GEOIP_CITY)."),
    ] = None,
    geoip_asn: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="access-log: database (DATAFLOW_GEOIP_ASN)."),
    ] = None,
) -> None:
    """Run one stage over lines, without a broker.

    Results go to stdout in order, one line an event. What became of the events
    stands on stderr in the end, as JSON when it is no terminal. An empty line is an
    empty event; a line feed at the end of the file begins no further one. A dead
    letter has stage, reason, detail, line, and in raw_base64 the line's exact bytes.

    \b
    Example:
      dataflow apply stay-category bookings.ndjson.gz | head
      dataflow apply access-log access.log.gz --geoip-city GeoLite2-City.mmdb
      zcat cdn.gz | dataflow apply filter --rules rules.json --dead-letters bad.ndjson > kept
    """
    from dataflow.cli.lines import lines_of
    from dataflow.cli.stage_run import LineCounts, StageRun

    run = _stage_named(stage, rules, log_format, geoip_city, geoip_asn)
    _refuse_of_others(
        stage,
        {"--rules": rules, "--format": log_format, "--geoip-city": geoip_city, "--geoip-asn": geoip_asn},
    )
    with lines_of(file) as lines:
        stage_run = StageRun(stage, run, sys.stdout.buffer, dead_letters, LineCounts())
        try:
            stage_run.run(lines)
            sys.stdout.flush()
        except BrokenPipeError:  # the reader, `head` perhaps, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        finally:
            _tell(stage_run.counts)


def _refuse_of_others(stage: str, options: "Mapping[str, object]") -> None:
    """Refuse an option that the stage would not look at: whoever gave it means another stage."""
    from dataflow.errors import Misconfigured

    for option, value in options.items():
        if value is not None and stage != TAKES[option]:
            raise Misconfigured(f"{option} is '{value}'; expected none, as {stage} takes no such option")


def _stage_named(
    name: str,
    rules: Path | None,
    log_format: str | None,
    geoip_city: Path | None,
    geoip_asn: Path | None,
) -> "LineStage":
    from dataflow.errors import Misconfigured
    from dataflow.settings import settings
    from dataflow.stages.lines import LINE_STAGES, StageOptions
    from dataflow.stages.utm_sources import DEFAULT_UTM_SOURCES

    if name not in LINE_STAGES:
        raise Misconfigured(f"STAGE is '{name}'; expected {', '.join(LINE_STAGES)}")
    current = settings()
    return LINE_STAGES[name](
        StageOptions(
            rules=rules or current.filter_rules,
            format=log_format or current.access_log_format,
            geoip_city=geoip_city or current.geoip_city,
            geoip_asn=geoip_asn or current.geoip_asn,
            utm_sources=current.utm_sources or DEFAULT_UTM_SOURCES,
        )
    )


def _tell(counts: "LineCounts") -> None:
    if sys.stderr.isatty():
        typer.echo(str(counts), err=True)
    else:
        sys.stderr.write(counts.as_json())
