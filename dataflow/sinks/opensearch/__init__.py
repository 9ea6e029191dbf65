"""OpenSearch or Elasticsearch as a sink: an index a day, a document for each record, its id the origin."""

from dataflow.settings import Settings
from dataflow.sinks.contract import Sink


def configured(settings: Settings) -> Sink | None:
    """Return the sink if the settings enable it; raise `Misconfigured` for an impossible index."""
    if settings.opensearch_url is None:
        return None
    # A worker without OpenSearch does not load its client.
    from dataflow.sinks.opensearch.indices import read_indices
    from dataflow.sinks.opensearch.sink import OpenSearchSink

    return OpenSearchSink(read_indices(settings.opensearch_indices), settings)
