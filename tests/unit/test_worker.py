"""The worker process: what it does to the logger."""

import logging

import pytest

from dataflow.engine.app import App
from dataflow.engine.faust_settings import EngineWorker
from dataflow.worker import Worker


def test_a_quiet_worker_makes_no_debug_records():
    """Faust's spinner would set the root logger to DEBUG, so that the quieter level cost more than `info`."""
    logger = logging.getLogger("the root of a worker")
    logger.setLevel(logging.WARNING)
    logger.addHandler(logging.NullHandler())
    worker = App("quiet").Worker(loglevel="WARN", redirect_stdouts=False)

    worker.on_setup_root_logger(logger, logging.WARNING)

    assert logger.level == logging.WARNING
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]
    assert worker.spinner is None


def test_the_worker_of_the_app_is_quiet_too():
    """It is a class of its own: what the engine mends would else be lost to every real worker."""
    assert issubclass(Worker, EngineWorker)


@pytest.mark.filterwarnings("ignore::faust.exceptions.AlreadyConfiguredWarning")
def test_the_command_of_faust_takes_an_ipv6_address():
    """`faust worker --web-host ::1` sets these two, as text; without brackets the second is no URL."""
    conf = App("ipv6").conf
    conf.web_host = "::1"
    conf.canonical_url = f"http://{conf.web_host}:6067"
    assert (conf.canonical_url.host, conf.canonical_url.port) == ("::1", 6067)
