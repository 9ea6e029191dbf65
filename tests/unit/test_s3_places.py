"""Places in S3: any key is the key of an object, and a place that cannot be is told in one line."""

import pytest

from dataflow.inputs.input import Input, UnreadableInput
from dataflow.inputs.places import Places
from dataflow.inputs.s3_objects import S3Objects
from dataflow.settings import Settings

NOBODY = Settings(
    s3_endpoint="http://127.0.0.1:1", s3_region="us-east-1", s3_access_key="a", s3_secret_key="b"
)


@pytest.mark.parametrize("key", ["a/b.log", "a?", "a?b=c?", "a#b", "a\tb", "a\nb", "/a", "[a", "\N{SNOWMAN}"])
def test_every_character_belongs_to_the_key(monkeypatch: pytest.MonkeyPatch, key: str):
    """As an address it lost tabs, line breaks and a last question mark: another object was asked for."""
    asked = []

    class Client:
        def head_object(self, **of: str) -> dict[str, object]:
            asked.append(of)
            return {"ContentLength": 1, "ETag": "x"}

    monkeypatch.setattr(S3Objects, "_client", Client())
    source = Places(NOBODY).input_at(f"s3://logs/{key}")
    assert isinstance(source, Input)
    assert (source.path, asked) == (f"s3://logs/{key}", [{"Bucket": "logs", "Key": key}])


@pytest.mark.parametrize("place", ["s3://", "s3:///x", "s3://a b/x", "s3://[x/y", "s3://x!/"])
def test_a_place_without_the_name_of_a_bucket_is_told_in_one_line(place: str):
    """The words of the SDK were three lines of patterns; a bracket was a traceback."""
    [told] = Places(NOBODY).inputs_at([place])
    assert isinstance(told, UnreadableInput)
    assert str(told) == f"{place} names no bucket that can be; expected s3://bucket/prefix"
