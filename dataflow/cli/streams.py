"""`dataflow streams`: asks a running worker for its streams, and has one that has paused go on."""

from typing import Annotated

import typer

from dataflow.cli.tables import Worker
from dataflow.cli.terminal import notes, page, people_read, print_json, table_of

streams = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show the streams, and have one that has paused go on.\n\n\b\nExample:\n"
    "  dataflow streams list\n"
    "  dataflow streams resume expedia",
)

Name = Annotated[str, typer.Argument(help="Stream, by its source topic.")]


@streams.command("list")
def list_streams(url: Worker = None) -> None:
    """Show each stream's state and lag; in a pipe as JSON.

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
            text = f"{topic} pauses since {pause['since']}: {why}. It waits for {awaited}"
            notes().print(text, style="yellow", soft_wrap=True)


@streams.command("resume")
def resume_stream(name: Name, url: Worker = None) -> None:
    """Have a stream go on that has paused; dead letters that its limit had refused are accepted.

    All workers that own partitions of it are told. Where senders need a password, so does this:
    it goes into the URL.

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
        page().print(f"{name} goes on at {', '.join(answer['resumed'])}")
    else:
        notes().print(f"{name} is not paused at any worker", style="dim")
