"""Page view: one page shown to a visitor of a web site, as topic ``raw-web-events`` brings it."""

import faust


class PageView(faust.Record, include_metadata=False):
    """One page shown in a browser. Null or absent: the tracker did not know."""

    event_id: str | None = None
    """UUID of the event."""
    event_timestamp: str | None = None
    """Event time, ``YYYY-MM-DD hh:mm:ss.ffffff``, UTC."""
    event_type: str | None = None
    """Kind of event: ``pageview``."""
    page_url: str | None = None
    """Whole address of the page."""
    page_url_path: str | None = None
    """Path of the page, with its leading slash."""
    referer_url: str | None = None
    """Where the visitor came from: a host or an address."""
    referer_url_scheme: str | None = None
    """``http`` or ``https``."""
    referer_url_port: str | int | None = None
    """Port, sent as text."""
    referer_medium: str | None = None
    """Kind of referer: ``search``, ``internal``."""
    utm_medium: str | None = None
    """UTM tag: how the link was spread, ``organic``."""
    utm_source: str | None = None
    """UTM tag: who sent the visitor, ``google``; source category is made from it."""
    utm_content: str | None = None
    """UTM tag: which advertisement."""
    utm_campaign: str | None = None
    """UTM tag: which campaign."""
    click_id: str | None = None
    """UUID of the click that led here."""
    geo_latitude: str | float | None = None
    """Degrees north, sent as text."""
    geo_longitude: str | float | None = None
    """Degrees east, sent as text."""
    geo_country: str | None = None
    """Country, ISO 3166 alpha-2."""
    geo_timezone: str | None = None
    """IANA time zone of the place."""
    geo_region_name: str | None = None
    """Name of the place."""
    ip_address: str | None = None
    """Address of the visitor."""
    browser_name: str | None = None
    """Family of the browser."""
    browser_user_agent: str | None = None
    """User agent, whole."""
    browser_language: str | None = None
    """Locale: ``ja_JP``."""
    os: str | None = None
    """Operating system with its version."""
    os_name: str | None = None
    """Operating system."""
    os_timezone: str | None = None
    """IANA time zone the device is set to."""
    device_type: str | None = None
    """``Computer``, ``Mobile``."""
    device_is_mobile: bool | None = None
    """Whether it is a mobile device."""
    user_custom_id: str | None = None
    """The site's own id of the user, mostly an e-mail address."""
    user_domain_id: str | None = None
    """UUID of the browser on this site (a cookie)."""
