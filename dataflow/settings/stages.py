"""Settings of the stages and tables: what is dropped, parsed, counted and dead-lettered."""

from pydantic import BaseModel, FilePath

from dataflow.settings.values import Names, TimeZone, setting


class StageSettings(BaseModel):
    """How events are filtered, enriched and counted."""

    dead_letter_max_consecutive: int = setting(
        10_000, "a stream pauses after so many dead letters in a row", ge=1
    )
    dead_letter_max_ratio: float = setting(
        0.5, "a stream pauses above this ratio of dead letters", gt=0, le=1
    )
    dead_letter_ratio_window: int = setting(
        10_000, "the ratio is computed over so many events, never fewer", ge=1
    )

    filter_rules: FilePath | None = setting(None, "rules of the CDN filter (JSON); unset: every line passes")
    utm_sources: FilePath | None = setting(None, "categories by utm_source (JSON); unset: the built-in ones")
    drop_web_fields: Names = setting((), "fields to remove from page views, separated by commas")
    max_keys: int = setting(
        10_000, "most keys of one window; further keys are counted as (other)", ge=1, le=10_000_000
    )

    access_log_format: str | None = setting(
        None,
        "format of access logs: a name of `dataflow formats`, or as in the server's configuration "
        "(LogFormat, log_format, #Fields:); unset: auto, all known formats are recognized",
    )
    access_log_zone: TimeZone | None = setting(
        None, "time zone of access logs whose times name none, as Europe/Berlin"
    )
    geoip_city: FilePath | None = setting(None, "GeoLite2 City database; unset: no places")
    geoip_asn: FilePath | None = setting(None, "GeoLite2 ASN database; unset: no networks")
    cdn_parsed: bool | None = setting(
        None,
        "true: filtered CDN lines are also sent typed to cdn-logs-parsed; "
        "unset: only if PostgreSQL is set, which stores them",
    )
