"""S3 as a sink: objects of an hour each, whose boundaries depend on the records alone."""

from dataflow.extras import Extra, require
from dataflow.settings import ArchiveFormat, ArchiveHour, Settings
from dataflow.sinks.contract import Sink


def configured(settings: Settings) -> Sink | None:
    """Return the sink if the settings enable it."""
    if settings.s3_bucket is None:
        return None
    require(Extra.S3, "DATAFLOW_S3_BUCKET is set")
    # A worker without S3 does not load its SDK.
    from dataflow.sinks.s3.cuts import CutRules
    from dataflow.sinks.s3.formats import GzipNdjson, parquet
    from dataflow.sinks.s3.object_writer import Archive
    from dataflow.sinks.s3.sink import S3Sink

    as_parquet = settings.s3_format is ArchiveFormat.PARQUET
    return S3Sink(
        settings.s3_topics,
        settings,
        Archive(
            settings.s3_prefix,
            parquet(settings.s3_topics) if as_parquet else GzipNdjson(),
            CutRules(settings.s3_object_records, settings.s3_object_bytes),
            settings.data_dir / "s3",
            by_event_time=settings.s3_hour is ArchiveHour.EVENT,
            flush_seconds=settings.s3_flush_seconds,
        ),
    )
