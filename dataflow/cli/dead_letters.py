"""`dataflow dead-letters`: which ones in; a list, all of one, or what became of a replay out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, page, people_read, print_json, say, table_of
from dataflow.errors import DataflowError, Misconfigured
from dataflow.instants import option_ms

if TYPE_CHECKING:
    from dataflow.dead_letters.json_views import DeadLetterRow
    from dataflow.dead_letters.letter import Place
    from dataflow.dead_letters.replay import ReplayResult

dead_letters = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, show and send back events that could not be used.\n\n\b\nExample:\n"
    "  dataflow dead-letters list --reason not_json\n"
    "  dataflow dead-letters show 3/1207\n"
    "  dataflow dead-letters replay --stage stay-category --from 2026-01-31",
)

Stage = Annotated[str | None, typer.Option(help="Only those of this stage, such as stay-category.")]
Reason = Annotated[str | None, typer.Option(help="Only those with this reason, such as not_json.")]
Topic = Annotated[str | None, typer.Option(help="Only those that came from this topic.")]
From = Annotated[str | None, typer.Option("--from", help="First instant of becoming one, ISO 8601 UTC.")]
To = Annotated[str | None, typer.Option("--to", help="Instant after the last, ISO 8601 UTC.")]

Places = Annotated[list[str] | None, typer.Argument(help="Partition/offset of each; default: all.")]
Oldest = Annotated[int | None, typer.Option(min=1, help="At most so many, the oldest.")]


@dead_letters.command("list")
def list_letters(
    stage: Stage = None,
    reason: Reason = None,
    topic: Topic = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, typer.Option(min=1, help="Only so many, the newest.")] = 20,
) -> None:
    """List dead letters, the newest first; in a pipe as JSON.

    \b
    Example:
      dataflow dead-letters list --topic expedia --limit 5
    """
    from dataflow.dead_letters.json_views import list_of_letters
    from dataflow.dead_letters.letter import LetterFilter

    letter_filter = LetterFilter(stage, reason, topic, option_ms("--from", start), option_ms("--to", end))
    answer = ask_broker(lambda connection: list_of_letters(connection, letter_filter, limit))
    if not people_read():
        print_json(answer)
        return
    columns = ("place", "at", "stage", "reason", "topic", "tries", "replayed", "detail")
    page().print(table_of(columns, [_row(row) for row in answer.dead_letters]))
    if not answer.complete:
        notes().print("there may be more; --limit, --from and --to say which", style="dim")


@dead_letters.command()
def show(place: Annotated[str, typer.Argument(help="Partition/offset, as the list has it.")]) -> None:
    """Show all of one dead letter as JSON, its exact bytes in base64.

    \b
    Example:
      dataflow dead-letters show 3/1207 | jq -r .value_base64 | base64 -d
    """
    from dataflow.dead_letters.json_views import page_of_letter

    wanted = _place(place)
    letter = ask_broker(lambda connection: page_of_letter(connection, wanted))
    if letter is None:
        raise DataflowError(f"dead letter is {place}; expected one that `dataflow dead-letters list` has")
    print_json(letter)


@dead_letters.command()
def replay(
    places: Places = None,
    stage: Stage = None,
    reason: Reason = None,
    topic: Topic = None,
    start: From = None,
    end: To = None,
    limit: Oldest = None,
) -> None:
    """Send dead letters back to the topics they came from, byte for byte.

    Each goes back once, however often this is run or broken off; header dataflow-tries
    counts how often an event has been sent back. The exit code is 1 when some could
    not be. The result is JSON in a pipe.

    \b
    Example:
      dataflow dead-letters replay --stage stay-category --from 2026-01-31
      dataflow dead-letters replay 3/1207 0/44
    """
    from dataflow.cli.author import command_author
    from dataflow.dead_letters.letter import LetterFilter
    from dataflow.dead_letters.replay import replay as replay_letters
    from dataflow.settings import settings

    wanted = frozenset(map(_place, places)) if places else None
    first_ms, end_ms = option_ms("--from", start), option_ms("--to", end)
    letters, app_id = LetterFilter(stage, reason, topic, first_ms, end_ms, wanted), settings().app_id
    by = command_author()
    _show_result(ask_broker(lambda connection: replay_letters(connection, app_id, letters, by, limit)))


def _show_result(result: "ReplayResult") -> None:
    """Print what became of the letters; exit with 1 if some could not be sent back."""
    if people_read():
        say(f"{result.replayed:,} sent back, {result.already_replayed:,} were before")
    else:
        print_json(result)
    for why, number in result.impossible.items():
        notes().print(f"{number:,} not sent back: {why}", style="red", soft_wrap=True)
    if result.impossible:
        raise typer.Exit(1)


def _place(text: str) -> "Place":
    partition, _, offset = text.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise Misconfigured(f"PLACE is '{text}'; expected partition/offset, such as 3/1207")
    return int(partition), int(offset)


def _row(row: "DeadLetterRow") -> Sequence[object]:
    place = f"{row.partition}/{row.offset}"
    return place, row.at, row.stage, row.reason, row.topic, row.tries, row.replayed, row.detail
