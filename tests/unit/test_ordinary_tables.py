"""Ordinary tables: one that does not fit the topic that it counts stops the worker."""

from types import SimpleNamespace

import pytest

from dataflow.engine.app import App
from dataflow.errors import DataflowError, Misconfigured


def an_app(**partitions: int) -> tuple[App, list[DataflowError]]:
    """Return an app whose consumer knows these topics, and the bugs that its engine is told."""
    app, bugs = App("shop"), []
    app.consumer = SimpleNamespace(topic_partitions=lambda topic: partitions[topic.replace("-", "_")])
    vars(app)["engine"] = SimpleNamespace(on_bug=bugs.append)
    return app, bugs


async def test_a_table_of_another_number_of_partitions_stops_the_worker():
    """Its agent died at each event, Faust started it again, and `/healthz` was well."""
    app, bugs = an_app(words=2, shop_count_changelog=3)
    table = app.Table("count", default=int)
    with pytest.raises(Misconfigured) as raised:
        table._verify_source_topic_partitions("words")
    assert bugs == [raised.value]
    assert str(raised.value) == (
        "changelog shop-count-changelog of table count has 3 partitions; expected 2, as topic words, which "
        "it counts. Set partitions=2 of the table, and delete its changelog"
    )


async def test_a_table_of_the_same_number_is_counted():
    """This is so by default: it follows the topics of ordinary agents."""
    app, bugs = an_app(words=2, shop_count_changelog=2)
    app.Table("count", default=int)._verify_source_topic_partitions("words")
    assert bugs == []


@pytest.mark.parametrize("number", [3, 8])
def test_a_number_that_is_set_is_kept_be_it_the_default_of_faust(
    number: int, monkeypatch: pytest.MonkeyPatch
):
    """Eight counted as none: tables of an app that names it got another number."""
    assert not App("shop").conf.has_own_partitions
    assert App("shop", topic_partitions=number).conf.has_own_partitions
    later = App("shop")
    later.conf.topic_partitions = number
    assert later.conf.has_own_partitions
    monkeypatch.setenv("TOPIC_PARTITIONS", str(number))
    assert App("shop").conf.has_own_partitions
    assert App("shop").conf.topic_partitions == number
