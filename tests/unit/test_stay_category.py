"""Stay category: the bands touch without a gap, and only ISO dates are dates."""

from datetime import date, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.stages.stay_category import (
    STAY_CATEGORY,
    StayCategory,
    categorize,
    stay_category,
    stay_of,
)

ARRIVAL = date(2017, 8, 1)


@pytest.mark.parametrize(
    ("nights", "category"),
    [
        (-1, StayCategory.ERRONEOUS),
        (0, StayCategory.ERRONEOUS),
        (1, StayCategory.SHORT),
        (4, StayCategory.SHORT),
        (5, StayCategory.STANDARD),
        (10, StayCategory.STANDARD),
        (11, StayCategory.EXTENDED),
        (14, StayCategory.EXTENDED),
        (15, StayCategory.LONG),
        (400, StayCategory.LONG),
    ],
)
def test_the_bands_touch_without_a_gap(nights: int, category: StayCategory) -> None:
    """Both ends of each band, as published."""
    departure = (ARRIVAL + timedelta(days=nights)).isoformat()
    assert stay_category(ARRIVAL.isoformat(), departure) is category


@pytest.mark.parametrize(
    ("check_in", "check_out"),
    [
        (None, "2017-08-05"),
        ("2017-08-01", None),
        (None, None),
        ("", "2017-08-05"),
        ("2017-08-01", "2161-10-00"),
        ("2017-02-29", "2017-03-05"),
        ("12", "14"),
        ("20170801", "20170805"),
        ("2017-W31-2", "2017-08-05"),
        ("2017-08-01 ", "2017-08-05"),
        ("2017-8-1", "2017-08-05"),
        ("2017-08-01T00:00:00", "2017-08-05"),
        ("\u0662\u0660\u0661\u0667-08-01", "2017-08-05"),
        ("0000-01-01", "2017-08-05"),
        ("2017-08-05", "2017-08-05"),
        ("2017-08-06", "2017-08-05"),
    ],
)
def test_what_is_no_stay_is_erroneous(check_in: str | None, check_out: str | None) -> None:
    """Only ISO dates count: a lenient parser read '12' and '14' as two nights."""
    assert stay_category(check_in, check_out) is StayCategory.ERRONEOUS


@given(st.none() | st.text(), st.none() | st.text())
def test_no_text_crashes_the_stage_and_the_cache_agrees(check_in: str | None, check_out: str | None) -> None:
    """Remembered or computed, the category is the same."""
    line = orjson.dumps({"srch_ci": check_in, "srch_co": check_out})
    category = stay_category(check_in, check_out)
    assert orjson.loads(STAY_CATEGORY(line))["stay_category"] == category


@given(st.dates(), st.dates())
def test_the_category_does_not_depend_on_how_the_date_is_escaped(arrival: date, departure: date) -> None:
    """Same value, same category, whatever the JSON spelling."""
    plain = b'{"srch_ci":"%b","srch_co":"%b"}' % (
        arrival.isoformat().encode(),
        departure.isoformat().encode(),
    )
    escaped = plain.replace(b"-", b"\\u002d")
    one, other = orjson.loads(STAY_CATEGORY(plain)), orjson.loads(STAY_CATEGORY(escaped))
    assert one["stay_category"] == other["stay_category"]


@pytest.mark.parametrize(("hotel", "shown"), [(b"3033581225260", b"3033581225260"), (b"null", b"null")])
def test_a_stay_has_the_hotel_and_its_category(hotel: bytes, shown: bytes) -> None:
    """What topic expedia_test carries, and nothing of the framework."""
    sent = b'{"hotel_id":' + hotel + b',"srch_ci":"2017-09-01","srch_co":"2017-09-03"}'
    booking = STAY_CATEGORY.decoder.read(sent)
    stay = stay_of(booking, categorize(booking))
    assert stay == b'{"hotel_id": ' + shown + b', "stay_category": "Short stay"}'
