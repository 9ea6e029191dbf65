"""Origin: who sent a body, as record headers."""

from dataclasses import dataclass
from functools import cached_property

from dataflow.engine.dead_letters import PREFIX
from dataflow.kafka.record import Headers

SENDER = PREFIX + "sender"
FORWARDED_FOR = PREFIX + "forwarded-for"
MOST_CHARACTERS = 256  # it stands on each line, and anybody may write into X-Forwarded-For


@dataclass(frozen=True)
class Origin:
    """Address of the other end of the connection, and the X-Forwarded-For it claims; None: none sent."""

    address: str
    forwarded_for: str | None = None

    @cached_property
    def headers(self) -> Headers:
        """The headers of a record; a record may not change them."""
        headers: Headers = [(SENDER, self.address.encode())]
        if self.forwarded_for is not None:
            claimed = self.forwarded_for[:MOST_CHARACTERS]
            headers.append((FORWARDED_FOR, claimed.encode(errors="replace")))
        return headers
