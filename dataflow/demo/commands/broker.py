"""`dataflow broker`: runs the embedded Apache Kafka in the foreground."""

import time
from typing import Annotated

import typer

from dataflow.cli.terminal import notes, say

LOOK_AGAIN_SECONDS = 0.5

Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Port; default: the port of the last time, or any free port."),
]


def broker(port: Port = None) -> None:
    """Run the embedded broker until Ctrl-C; its data are kept.

    It is a real Apache Kafka with one node, for this machine only. Its data are in DATAFLOW_DATA_DIR. Other
    commands that use the same folder find it there.

    \b
    Example:
      dataflow broker
      DATAFLOW_DATA_DIR=/tmp/try dataflow broker --port 9092
    """
    from dataflow.demo.play.foreground import serving_broker
    from dataflow.settings import settings

    home = settings().data_dir / "broker"
    try:
        with serving_broker(home, port) as broker:
            say(broker.address)
            notes().print(f"Kafka is running. Its data are in {home}. Ctrl-C ends it.", soft_wrap=True)
            while True:
                broker.check()
                time.sleep(LOOK_AGAIN_SECONDS)
    except KeyboardInterrupt:
        return  # the way it is meant to end
