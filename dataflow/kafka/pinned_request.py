"""Requests in a version that aiokafka does not know: they are sent as they are."""

import aiokafka.errors as kafka_errors
from aiokafka.protocol.api import Request, RequestStruct
from aiokafka.protocol.types import AbstractType, CompactArray, CompactString, Int32, Int64, TaggedFields

TEXT = CompactString("utf-8")
TAGS = ("tags", TaggedFields)

Field = tuple[str, AbstractType]

TOPIC: Field = ("topic", TEXT)
PARTITION: Field = ("partition", Int32)
COMMITTED = (PARTITION, ("offset", Int64), ("leader_epoch", Int32), ("metadata", TEXT))
"""The fields of a committed offset."""


def structs(name: str, *fields: Field) -> Field:
    """Return a field that holds an array of structs with these fields."""
    return name, CompactArray(*fields, TAGS)


class PinnedRequest(Request[RequestStruct]):
    """A request struct sent as it is: the broker must speak this very version."""

    API_KEY = -1  # aiokafka wants one of the class; the struct's own is what counts

    def __init__(self, struct: RequestStruct) -> None:
        self.API_KEY = struct.API_KEY
        self.struct = struct

    def build(self, _request_struct_class: object) -> RequestStruct:
        """Return the struct."""
        return self.struct

    def prepare(self, versions: dict[int, tuple[int, int]]) -> RequestStruct:
        """Return the struct, if the broker speaks its version."""
        lowest, highest = versions[self.struct.API_KEY]
        if not lowest <= self.struct.API_VERSION <= highest:
            raise kafka_errors.IncompatibleBrokerVersion(
                f"request {self.struct.API_KEY} is spoken in versions {lowest} to {highest}; "
                f"expected {self.struct.API_VERSION} (Apache Kafka 2.5 or newer)"
            )
        return self.struct
