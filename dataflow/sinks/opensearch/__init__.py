"""OpenSearch or Elasticsearch as a sink: an index a day, a document for each record, its id the origin."""

from dataflow.errors import Misconfigured
from dataflow.extras import Extra, require
from dataflow.settings import Settings
from dataflow.sinks.contract import Sink


def configured(settings: Settings) -> Sink | None:
    """Return the sink if the settings enable it; raise `Misconfigured` for an impossible index or login."""
    if settings.opensearch_url is None:
        return None
    in_settings = (settings.opensearch_username, settings.opensearch_api_key, settings.opensearch_aws_region)
    ways = [login is not None for login in in_settings]
    ways.append("@" in settings.opensearch_url.get_secret_value())  # the client would take this one
    if sum(ways) > 1:
        raise Misconfigured(
            "more than one of DATAFLOW_OPENSEARCH_USERNAME, DATAFLOW_OPENSEARCH_API_KEY, "
            "DATAFLOW_OPENSEARCH_AWS_REGION and a user in DATAFLOW_OPENSEARCH_URL is set; "
            "expected one way to log in"
        )
    require(Extra.OPENSEARCH, "DATAFLOW_OPENSEARCH_URL is set")
    if settings.opensearch_aws_region is not None:
        require(Extra.S3, "DATAFLOW_OPENSEARCH_AWS_REGION is set")  # its SDK signs the requests
    # A worker without OpenSearch does not load its client.
    from dataflow.sinks.opensearch.indices import read_indices
    from dataflow.sinks.opensearch.sink import OpenSearchSink

    return OpenSearchSink(read_indices(settings.opensearch_indices), settings)
