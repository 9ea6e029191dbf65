"""A log that is lost: a broker in, and the same one without what it had of a topic out."""

from dataflow.demo.broker import EmbeddedBroker


def lose_log(broker: EmbeddedBroker, topic: str, partitions: int = 1) -> None:
    """Kill a broker, and start it without what it had of the first partitions: a disk has been replaced."""
    broker.kill()
    for partition in range(partitions):
        for file in (broker.home / "data" / f"{topic}-{partition}").iterdir():
            if file.name != "partition.metadata":
                file.unlink()
    broker.start()
    broker.wait_ready()
