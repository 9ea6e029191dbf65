"""`dataflow dead-letters`: lists and shows events that could not be used, and sends them back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.command_group import CommandGroup
from dataflow.cli.kafka import ask_broker
from dataflow.cli.terminal import notes, page, people_read, print_json, say, table_of
from dataflow.errors import DataflowError, Misconfigured, expected_one_of
from dataflow.errors import Reason as DeadLetterReason
from dataflow.instants import range_ms

if TYPE_CHECKING:
    from dataflow.dead_letters.json_views import DeadLetterList, DeadLetterRow
    from dataflow.dead_letters.letter import LetterFilter, Place
    from dataflow.dead_letters.selection import ReplayResult

dead_letters = CommandGroup(
    "List, show and send back events that could not be used.\n\n\b\nExample:\n"
    "  dataflow dead-letters list --reason not_json\n"
    "  dataflow dead-letters show 3/1207\n"
    "  dataflow dead-letters replay --stage stay-category --from 2026-01-31",
)

Stage = Annotated[
    str | None, typer.Option(metavar="STAGE", help="Only those of this stage, such as stay-category.")
]


def _known_reason(reason: str | None) -> str | None:
    if reason is not None and reason not in [*DeadLetterReason]:
        raise Misconfigured(f"--reason is '{reason}'; {expected_one_of(DeadLetterReason, reason)}")
    return reason


Reason = Annotated[
    str | None,
    typer.Option(
        metavar="REASON", callback=_known_reason, help="Only those with this reason, such as not_json."
    ),
]
Topic = Annotated[str | None, typer.Option(metavar="TOPIC", help="Only those that came from this topic.")]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Only those written at or after this time, ISO 8601 in UTC."),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="Only those written before this time, ISO 8601 in UTC."),
]

Places = Annotated[
    list[str] | None, typer.Argument(metavar="PLACE", help="Partition/offset, as in the list; default: all.")
]
Oldest = Annotated[int | None, typer.Option(min=1, help="How many at most, from the oldest.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show how many would be sent back, and to which topics.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first. In a pipe it never asks.")]
Wait = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0,
        max=600,
        help="Wait so long to see which of them fail again; 0: do not wait.",
    ),
]

REPLAYED = """\
Send dead letters back to the topics they came from.

Each dead letter is sent back only once, byte for byte, however often you run or interrupt this
command. The header dataflow-tries counts how often an event has been sent back.

On a terminal it shows what would be sent back and asks first. Then it waits until the workers
have read the events, and says how many became dead letters again. The exit code is 1 if some
could not be sent back. In a pipe the output is JSON.

\b
Example:
  dataflow dead-letters replay --stage stay-category --dry-run
  dataflow dead-letters replay --stage stay-category --from 2026-01-31
  dataflow dead-letters replay 3/1207 0/44
"""


@dead_letters.command("list")
def list_letters(
    stage: Stage = None,
    reason: Reason = None,
    topic: Topic = None,
    start: From = None,
    end: To = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, from the newest.")] = 20,
) -> None:
    """List dead letters, the newest first.

    In a pipe the output is JSON.

    \b
    Example:
      dataflow dead-letters list --topic expedia --limit 5
    """
    from dataflow.dead_letters.json_views import list_of_letters
    from dataflow.dead_letters.letter import LetterFilter

    letter_filter = LetterFilter(stage, reason, topic, *range_ms(start, end))
    answer = ask_broker(lambda connection: list_of_letters(connection, letter_filter, limit))
    if not people_read():
        print_json(answer)
        return
    columns = ("place", "since, UTC", "topic", "why", "sent back")
    page().print(table_of(columns, [_row(row) for row in answer.dead_letters]))
    _say_what_is_missing(answer)


def _say_what_is_missing(answer: "DeadLetterList") -> None:
    if missing := answer.leaderless_partitions:
        which = ", ".join(map(str, missing))
        notes().print(f"Not listed, as they have no leader: those of partitions {which}.", style="red")
    elif not answer.complete:
        notes().print("There may be more; see --limit, --from and --to.", style="dim")


@dead_letters.command()
def show(
    place: Annotated[str, typer.Argument(metavar="PLACE", help="Partition/offset, as in the list.")],
) -> None:
    """Show one dead letter as JSON.

    The exact bytes of its value are in value_base64.

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


@dead_letters.command(help=REPLAYED)
def replay(
    places: Places = None,
    stage: Stage = None,
    reason: Reason = None,
    topic: Topic = None,
    start: From = None,
    end: To = None,
    limit: Oldest = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    wait: Wait = 10,
) -> None:
    """Send dead letters back to the topics they came from."""
    from dataflow.dead_letters.letter import LetterFilter
    from dataflow.dead_letters.selection import preview_replay

    wanted = frozenset(map(_place, places)) if places else None
    letters = LetterFilter(stage, reason, topic, *range_ms(start, end), wanted)
    if dry_run or (people_read() and not yes):
        preview = ask_broker(lambda connection: preview_replay(connection, letters, limit))
        _show_result(preview, would="would be ")
        if dry_run or not preview.replayed or not typer.confirm("Send them back?"):
            return
    _show_result(_replay(letters, limit, wait))


def _replay(letters: "LetterFilter", limit: int | None, wait_seconds: float) -> "ReplayResult":
    from dataflow.cli.author import command_author
    from dataflow.dead_letters.came_back import replay_and_watch
    from dataflow.dead_letters.replay import replay
    from dataflow.settings import settings

    app_id, author = settings().app_id, command_author()
    return ask_broker(
        lambda connection: replay_and_watch(
            connection, app_id, wait_seconds, lambda: replay(connection, app_id, letters, author, limit)
        )
    )


def _show_result(result: "ReplayResult", would: str = "") -> None:
    """Print what became of the letters, or would; exit with 1 if some could not be sent back."""
    if people_read():
        say(f"{result.replayed:,} {would}sent back; {result.already_replayed:,} had been sent back before")
        for topic, number in result.topics.items():
            say(f"  {number:,} to {topic}")
        if result.counted_again:
            say(f"  {result.counted_again:,} of them {would}counted a second time: only a sink refused them")
        _say_came_back(result, would)
    else:
        print_json(result)
    for why, number in result.impossible.items():
        notes().print(f"{number:,} not sent back: {why}", style="red", soft_wrap=True)
    if result.impossible and not would:
        raise typer.Exit(1)


def _say_came_back(result: "ReplayResult", would: str) -> None:
    if would or not result.replayed:
        return
    if result.came_back is None:
        say("The workers have not read all of them yet; `dataflow dead-letters list` shows what fails again.")
    elif not result.came_back:
        say("None of them became a dead letter again.")
    for reason, number in (result.came_back or {}).items():
        say(f"  {number:,} became dead letters again: {reason}")


def _place(text: str) -> "Place":
    partition, _, offset = text.partition("/")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise Misconfigured(f"PLACE is '{text}'; expected partition/offset, such as 3/1207")
    return int(partition), int(offset)


def _row(row: "DeadLetterRow") -> Sequence[object]:
    at = None if row.at is None else row.at[:19].replace("T", " ")
    why = f"{row.stage}: {row.reason}: {row.detail}"
    sent_back = "yes" if row.replayed else f"{row.tries} times before" if row.tries else "no"
    return f"{row.partition}/{row.offset}", at, row.topic, why, sent_back
