"""Settings of the stages and tables: what is dropped, parsed, counted and dead-lettered."""

from pydantic import BaseModel, Field, FilePath

from dataflow.settings.values import Names


class StageSettings(BaseModel):
    """How events are filtered, enriched and counted."""

    dead_letter_max_consecutive: int = Field(
        default=10_000, ge=1, description="the worker stops after so many dead letters in a row"
    )
    dead_letter_max_ratio: float = Field(
        default=0.5, gt=0, le=1, description="the worker stops above this ratio of dead letters"
    )
    dead_letter_ratio_window: int = Field(
        default=10_000, ge=1, description="the ratio is computed over so many events, never fewer"
    )

    filter_rules: FilePath | None = Field(
        default=None, description="rules of the CDN filter (JSON); unset: every line passes"
    )
    utm_sources: FilePath | None = Field(
        default=None, description="categories by utm_source (JSON); unset: the built-in ones"
    )
    drop_web_fields: Names = Field(
        default=(), description="fields to remove from page views, separated by commas"
    )
    max_keys: int = Field(
        default=10_000,
        ge=1,
        le=10_000_000,
        description="most keys of one window; further keys are counted as (other)",
    )

    access_log_format: str | None = Field(
        default=None,
        description="format of access logs as in the server's configuration (LogFormat, log_format); "
        "unset: common formats are recognized",
    )
    geoip_city: FilePath | None = Field(default=None, description="GeoLite2 City database; unset: no places")
    geoip_asn: FilePath | None = Field(default=None, description="GeoLite2 ASN database; unset: no networks")
    cdn_parsed: bool | None = Field(
        default=None,
        description="true: filtered CDN lines are also sent typed to cdn-logs-parsed; "
        "unset: only if PostgreSQL is set, which stores them",
    )
