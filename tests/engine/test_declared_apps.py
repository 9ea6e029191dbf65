"""An app that is declared first and connected later: what that needs of Faust beyond its documents."""

import inspect
from collections.abc import AsyncIterator

import pytest
from faust.web import base
from faust.web.drivers.aiohttp import Web

from dataflow.demo.broker.ports import free_port
from dataflow.engine.app import App
from dataflow.engine.batch import Batch
from dataflow.engine.event_time import EventTime
from dataflow.engine.options import EngineOptions
from dataflow.engine.tables import DAY, WindowedTable
from dataflow.errors import Misconfigured
from dataflow.kafka.connection import connection
from dataflow.web_server import WebServer


def test_an_app_that_is_only_declared_is_configured_and_connected_later(tmp_path):
    """Declarations keep nothing of the settings and the broker of the time when modules are imported."""
    app = App("before")
    topic = app.batches("declared", event_time=EventTime("at", int), columns=("at", "kind"))
    app.windowed_table(topic, WindowedTable("per_kind", key="kind", windows=(DAY,)))

    @app.agent(topic)
    async def read_on(batches: AsyncIterator[Batch]) -> None:
        """Read on."""

    assert not app.topics  # the conductor, without a topic yet
    with pytest.raises(Misconfigured, match="expected connect"):
        _ = app.engine
    app.configure("after", datadir=str(tmp_path))
    app.connect(EngineOptions(connection=connection(["192.0.2.1:9092"]), instance_id="me"))
    assert str(app.transport.url[0]) == "kafka://192.0.2.1:9092"
    assert app.producer_transport.url == app.transport.url
    assert app.conf.consumer_group_instance_id == "me"
    assert app.topology.changelogs == {"declared": "after-declared-changelog"}
    assert app.topics.app is app
    assert read_on.app.conf.id == "after"


def test_commands_list_our_tables_and_a_worker_leaves_them_to_the_engine():
    """Faust recovers every table that its manager has."""
    app = App("listing", web_port=1)
    topic = app.batches("counted", event_time=EventTime("at", int), columns=("at", "kind"))
    app.windowed_table(topic, WindowedTable("per_kind", key="kind", windows=(DAY,)))
    app.worker_init_post_autodiscover()
    assert {name: table.help for name, table in app.tables.items()} == {
        "per_kind": "Counts counted by kind; windows: day, all."
    }
    app.connect(EngineOptions(connection=connection(["192.0.2.1:9092"])))
    assert not app.tables


def test_an_agent_that_is_left_out_reads_nothing():
    """Neither Faust starts it, nor does the engine recover its topic."""
    app = App("leaving")
    topic = app.batches("left")

    @app.agent(topic)
    async def left_out(batches: AsyncIterator[Batch]) -> None:
        """Read nothing."""

    assert list(app.topology.sources) == ["left"]
    app.leave_out(left_out)
    assert not app.agents
    assert not app.topology.sources


def test_faust_makes_its_web_server_by_what_we_override():
    """A runner that unpacks bodies by itself, or a short queue, would come back unseen."""
    assert "self._new_transport_tcp" in inspect.getsource(Web.__init__)
    assert "self._enabled_blueprints()" in inspect.getsource(base.Web.__init__)
    server = WebServer(App("serving", web_bind="127.0.0.1", web_port=free_port()))
    server.init_server()
    assert not list(server.web_app.router.routes())
    assert server._runner._kwargs["auto_decompress"] is False
    assert server._runner.app is server.web_app
