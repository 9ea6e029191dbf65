"""Store errors: what an answer of S3 means that is no success, or of what stands in between."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from botocore.exceptions import BotoCoreError, ClientError

from dataflow.errors import SinkUnavailable
from dataflow.s3 import code_of, status_of

_FAILED_CONDITIONS = ("PreconditionFailed", "ConditionalRequestConflict")
_MISSING = ("404", "NoSuchKey", "NotFound")


class PreconditionFailed(Exception):
    """The object exists, or has another version than expected."""


@asynccontextmanager
async def translate_errors(*, may_fail: bool) -> AsyncIterator[None]:
    """Translate errors of the SDK into ours: an outage, or a condition that `may_fail`.

    S3 rejects no records.
    """
    try:
        yield
    except ClientError as error:
        has_failed = code_of(error) in (*_FAILED_CONDITIONS, *_MISSING) or status_of(error) == 412
        if may_fail and has_failed:
            raise PreconditionFailed(str(error)) from error
        raise SinkUnavailable(_words_of(error)) from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise SinkUnavailable(f"S3: {str(error) or 'no answer in time'}") from error
    except KeyError as error:  # of a proxy, say, that answers everything with 200
        raise SinkUnavailable(f"S3: answer has no {error}; expected a server of S3 there") from error
    except RecursionError as error:  # the SDK asks where it is sent for the region, which is sent there, too
        raise SinkUnavailable(
            "S3: each request is redirected, even that for the region of the bucket; expected a server of S3 "
            "there. Look at the proxies in front of it"
        ) from error


def _words_of(error: ClientError) -> str:
    if code_of(error):
        return f"S3: {error}"
    return (
        f"S3: {error.operation_name} was answered with status {status_of(error)} and no error of S3; "
        "expected a server of S3 there. Look at the proxies in front of it"
    )
