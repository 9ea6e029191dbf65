"""Categorized view: a page view with the marketing behind it, as topic ``enriched-web-events`` brings it."""

from models.page_view import PageView


class CategorizedView(PageView, include_metadata=False):
    """A page view, where its visitor came from, and at which host the user has an address."""

    source_category: str | None = None
    """Where the visitor came from, by `utm_source`; null if there is none."""
    user_email_domain: str | None = None
    """What follows the last @ of `user_custom_id`."""
