"""The pace of checkpoints: how soon one may begin after the last one, by what that has cost."""

PARTITION_BATCHES_A_SECOND = 1_000
CHECKPOINTS_A_SECOND = 400  # of all members of a group: one broker coordinates it, and keeps its offsets
REST = 0.5
LONGEST_REST_SECONDS = 0.25
GRACE = 0.25


class CheckpointPace:
    """Decides when the next checkpoint may begin; pure: the clock is passed in.

    What one costs is decided by the partitions of outputs and changelogs that it writes to, however
    little, so the more there are the longer is the time to the next; so it is the more members the group
    has. After a checkpoint that took long, the broker gets a rest.
    """

    members = 1
    """Of the group."""

    def __init__(self, seconds: float) -> None:
        self.interval = self._shortest = seconds
        """From the begin of the last checkpoint to that of the next one."""
        self._due = 0.0
        self.count = 0
        """Checkpoints that were written; the last one ended at `ended` and `took` so many seconds."""
        self.ended = self.took = 0.0

    def written(self, began: float, ended: float, partition_batches: int) -> None:
        """Note a checkpoint, and to how many partitions of outputs and changelogs it wrote."""
        self.count += 1
        self.ended, self.took = ended, (took := ended - began)
        rested = took + min(took * REST, LONGEST_REST_SECONDS)
        by_partitions = partition_batches / PARTITION_BATCHES_A_SECOND
        self.interval = max(self._shortest, by_partitions, self.members / CHECKPOINTS_A_SECOND, rested)
        self._due = began + self.interval

    def pause(self, now: float, since: float, *, in_progress: bool, is_full: bool) -> float:
        """Return how long the next checkpoint has to wait; 0 or less when it may begin.

        There is something to write since `since`. Batches in progress are waited for, a moment: what they
        make would else wait for the checkpoint after this one. When so much is finished that
        partitions would soon pause, nothing is waited for.
        """
        if is_full:
            return 0.0
        if in_progress:
            return max(self._due, since) + GRACE * self.interval - now
        return self._due - now
