"""Servers of the sinks: killed, cut off, swallowed, slow."""

from collections.abc import Iterator
from random import Random

from chaos.campaign.registry import fault
from chaos.campaign.site import Site


@fault
def kill_sink_server(site: Site, dice: Random) -> Iterator[None]:
    """Kill PostgreSQL or the S3 server with -9."""
    servers = [system.server for system in (site.postgres, site.s3) if system.server is not None]
    server = dice.choice(servers)
    server.kill()
    yield
    server.start()


@fault
def cut_sink_server(site: Site, dice: Random) -> Iterator[None]:
    """Reset connections to a server of a sink, or lose what it is sent or answers."""
    wire = dice.choice([site.to_postgres, site.to_s3])
    how = dice.choice(["cut", "black hole", "half open", "slow"])
    if how == "cut":
        wire.cut()
    elif how == "slow":
        wire.slow(0.5)
    else:
        wire.swallow(only_answers=how == "half open")
    yield
    wire.mend()
