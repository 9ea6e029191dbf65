"""Settings of the stages and tables: what is dropped, parsed, counted and dead-lettered."""

from pydantic import BaseModel, FilePath

from dataflow.settings.values import Names, TimeZone, setting


class StageSettings(BaseModel):
    """Filters, enrichment, tables and dead letters."""

    dead_letter_max_consecutive: int = setting(
        10_000, "number of dead letters in a row after which a stream pauses", ge=1
    )
    dead_letter_max_ratio: float = setting(
        0.5, "ratio of dead letters above which a stream pauses", gt=0, le=1
    )
    dead_letter_ratio_window: int = setting(
        10_000, "number of events over which the ratio is computed, never fewer", ge=1
    )

    filter_rules: FilePath | None = setting(None, "rules of the CDN filter (JSON); unset: every line passes")
    utm_sources: FilePath | None = setting(None, "categories by utm_source (JSON); unset: the built-in ones")
    drop_web_fields: Names = setting((), "fields to remove from page views, separated by commas")
    max_keys: int = setting(
        10_000, "largest number of keys in a window; further keys are counted as (other)", ge=1, le=10_000_000
    )

    access_log_format: str | None = setting(
        None,
        "format of access logs: a name of `dataflow formats`, or the format of your server's configuration "
        "(LogFormat, log_format, #Fields:); unset: all known formats are recognized",
    )
    access_log_zone: TimeZone | None = setting(
        None, "time zone of access logs whose times name none, such as Europe/Berlin"
    )
    geoip_city: FilePath | None = setting(None, "GeoLite2 City database; unset: no places")
    geoip_asn: FilePath | None = setting(None, "GeoLite2 ASN database; unset: no networks")
    cdn_parsed: bool | None = setting(
        None,
        "true: also send filtered CDN lines with types to cdn-logs-parsed; "
        "unset: only if PostgreSQL is configured, which stores them",
    )
