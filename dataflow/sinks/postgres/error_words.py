"""Error words: what PostgreSQL or a pooler says, and what a person can do about it."""

import asyncpg

_BY_KIND: tuple[tuple[type[Exception], str], ...] = (
    (
        asyncpg.InvalidAuthorizationSpecificationError,  # of passwords, too
        "correct user and password in DATAFLOW_POSTGRES_URL and restart; a PGPASSFILE needs no restart",
    ),
    (asyncpg.InvalidCatalogNameError, "create the database, or correct DATAFLOW_POSTGRES_URL and restart"),
    (
        asyncpg.TooManyConnectionsError,
        "close other connections, or raise max_connections or the limit of the role or database",
    ),
    (
        asyncpg.LockNotAvailableError,
        "another session holds a lock; pg_locks and pg_stat_activity show which",
    ),
)
_BY_WORD = (
    ("query_wait_timeout", "pgbouncer has no free connection to the server, or the server is away"),
    ("max_client_conn", "pgbouncer has too many clients; raise its max_client_conn, or close some"),
    ("server_login_retry", "pgbouncer does not reach the server, and asks it again after server_login_retry"),
)
"""Of pgbouncer: its errors have no SQLSTATE of their own."""


def words_of(error: BaseException) -> str:
    """Return the words of an error with its SQLSTATE, and what to do if that is known."""
    text = str(error) or type(error).__name__
    state = getattr(error, "sqlstate", None)
    words = f"{text} ({state})" if state else text
    advice = _advice(error, text)
    return f"{words}; {advice}" if advice else words


def _advice(error: BaseException, text: str) -> str | None:
    by_kind = (advice for kind, advice in _BY_KIND if isinstance(error, kind))
    by_word = (advice for word, advice in _BY_WORD if word in text)
    return next(by_kind, None) or next(by_word, None)
