"""How settings become the S3 and the OpenSearch sink."""

import pytest

from dataflow.errors import Misconfigured
from dataflow.settings import Settings
from dataflow.sinks import opensearch, s3
from dataflow.sinks.opensearch.sink import OpenSearchSink
from dataflow.sinks.s3.sink import S3Sink


def test_nothing_is_set_and_nothing_is_stored():
    """A worker needs neither system."""
    assert s3.configured(Settings()) is None
    assert opensearch.configured(Settings()) is None


def test_a_bucket_makes_an_archive(tmp_path):
    """Of the topics that people keep for years; blocks lie where the worker's other files do."""
    sink = s3.configured(Settings(s3_bucket="logs", data_dir=tmp_path, s3_hour="arrival"))
    assert isinstance(sink, S3Sink)
    assert (sink.name, sink.topics) == ("s3", ("cdn-logs-filtered", "access-logs-parsed"))
    assert sink._archive.folder == tmp_path / "s3"
    assert not sink._archive.by_event_time


def test_parquet_is_for_topics_with_columns():
    """It is told at start."""
    pytest.importorskip("pyarrow", reason="needs the extra `parquet`")
    with pytest.raises(Misconfigured, match="topic dead-letters has no columns"):
        s3.configured(Settings(s3_bucket="logs", s3_format="parquet", s3_topics="dead-letters"))


def test_a_url_makes_an_index():
    """Of page views, if nothing else is said."""
    sink = opensearch.configured(Settings(opensearch_url="http://127.0.0.1:9200"))
    assert isinstance(sink, OpenSearchSink)
    assert (sink.name, sink.topics) == ("opensearch", ("enriched-web-events",))


@pytest.mark.parametrize(
    "ways",
    [
        {"opensearch_username": "me", "opensearch_api_key": "key"},
        {"opensearch_api_key": "key", "opensearch_aws_region": "eu-west-1"},
        {"opensearch_username": "me", "opensearch_aws_region": "eu-west-1"},
        {"opensearch_url": "http://b:9200,http://me:geheim@a:9200", "opensearch_username": "me"},
        {"opensearch_url": "http://me:geheim@a:9200", "opensearch_api_key": "key"},
        {"opensearch_url": "http://me:geheim@a:9200", "opensearch_aws_region": "eu-west-1"},
    ],
)
def test_two_ways_to_log_in_are_refused(ways):
    """Only one could be used, and nobody knows which was meant."""
    with pytest.raises(Misconfigured, match="expected one way to log in"):
        opensearch.configured(Settings(**{"opensearch_url": "http://a:9200"} | ways))


def test_secrets_are_not_told():
    """A log line with a connection in it has none."""
    archive = s3.configured(Settings(s3_bucket="logs", s3_access_key="me", s3_secret_key="geheim"))
    index = opensearch.configured(
        Settings(opensearch_url="http://x", opensearch_username="me", opensearch_password="geheim")
    )
    secret = archive._settings.s3_secret_key.get_secret_value()
    assert secret == index._settings.opensearch_password.get_secret_value() == "geheim"
    assert "geheim" not in repr(archive._settings) + repr(index._settings)
