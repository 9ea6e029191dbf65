"""`dataflow streams`: asks a running worker for its streams, and resumes a paused one."""

from typing import Annotated

import typer

from dataflow.cli.command_group import CommandGroup
from dataflow.cli.tables import Worker
from dataflow.cli.terminal import notes, page, people_read, print_json, table_of

streams = CommandGroup(
    "Show the streams, and resume a paused one.\n\n\b\nExample:\n"
    "  dataflow streams list\n"
    "  dataflow streams resume expedia",
)

Name = Annotated[str, typer.Argument(metavar="STREAM", help="Source topic of the stream.")]


@streams.command("list")
def list_streams(url: Worker = None) -> None:
    """Show the state and the lag of each stream.

    In a pipe the output is JSON.

    \b
    Example:
      dataflow streams list
      dataflow streams list | jq '.states[] | select(.state == "paused")'
    """
    from dataflow.cli.worker_client import address_of, ask

    answer = ask(address_of(url), "streams")
    if not people_read():
        print_json(answer)
        return
    rows = [
        (topic, status["state"], answer["streams"][topic]["received"], answer["lag"][topic]["records"])
        for topic, status in answer["states"].items()
    ]
    page().print(table_of(("stream", "state", "received", "lag"), rows))
    for topic, status in answer["states"].items():
        if status["pause"]:
            pause = status["pause"]
            why, awaited = pause["detail"], pause["awaited"]
            text = f"{topic} has been paused since {pause['since']}: {why}. It waits for {awaited}."
            notes().print(text, style="yellow", soft_wrap=True)


@streams.command("resume")
def resume_stream(name: Name, url: Worker = None) -> None:
    """Resume a paused stream.

    All workers that own partitions of the stream resume it. If its limit of dead letters paused it, they
    are accepted now. Put a user and a password into --url if the workers require them.

    \b
    Example:
      dataflow streams resume expedia
      dataflow streams resume expedia --url http://ann:secret@10.0.0.7:6066
    """
    from dataflow.cli.worker_client import address_of, tell

    answer = tell(address_of(url), "streams", name, "resume")
    if not people_read():
        print_json(answer)
    elif answer["resumed"]:
        page().print(f"{name} has been resumed at {', '.join(answer['resumed'])}")
    else:
        notes().print(f"{name} is not paused at any worker.", style="dim")
