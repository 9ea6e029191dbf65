"""The worker process: Faust's, without the spinner of its start."""

import logging

import faust


class EngineWorker(faust.Worker):
    """Keeps the log level that was asked for.

    At level warning and above Faust's spinner sets the root logger to DEBUG: every debug
    record of aiokafka is then made and thrown away, a tenth of a worker's CPU.
    """

    def on_setup_root_logger(self, logger: logging.Logger, level: int) -> None:  # noqa: ARG002 - Faust's
        """Leave the logger as it was configured."""
        self.spinner = None
