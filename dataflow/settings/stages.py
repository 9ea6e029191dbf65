"""Settings of the stages and tables: what is dropped, parsed, counted and dead-lettered."""

from pydantic import BaseModel, Field, FilePath

from dataflow.settings.values import Names


class StageSettings(BaseModel):
    """What becomes of an event."""

    dead_letter_max_consecutive: int = Field(
        default=10_000, ge=1, description="the worker stops after so many dead letters in a row"
    )
    dead_letter_max_ratio: float = Field(
        default=0.5, gt=0, le=1, description="the worker stops above this share of dead letters"
    )
    dead_letter_ratio_window: int = Field(
        default=10_000, ge=1, description="the share is taken over this many events, never fewer"
    )

    filter_rules: FilePath | None = Field(
        default=None, description="rules of the CDN filter (JSON); unset: every line passes"
    )
    utm_sources: FilePath | None = Field(
        default=None,
        description="categories by utm_source (JSON); unset: the ones that come with the program",
    )
    drop_web_fields: Names = Field(
        default=(), description="fields to leave out of page views, comma between them"
    )
    max_keys: int = Field(
        default=10_000,
        ge=1,
        le=10_000_000,
        description="most keys of one window; the rest is (other)",
    )

    access_log_format: str | None = Field(
        default=None,
        description="format of access logs as in the server's configuration (LogFormat, log_format); "
        "unset: the usual ones are recognised",
    )
    geoip_city: FilePath | None = Field(default=None, description="GeoLite2 City database; unset: no places")
    geoip_asn: FilePath | None = Field(default=None, description="GeoLite2 ASN database; unset: no networks")
    cdn_parsed: bool | None = Field(
        default=None,
        description="true: filtered CDN lines also go out typed, to cdn-logs-parsed; "
        "unset: where PostgreSQL is set, which stores them",
    )
