"""Batch sizes: what batches have cost in; how many records the next one may have out."""

from dataflow.engine.batch_sizes import FEWEST_RECORDS, HOLD_SECONDS, BatchSizes


def learned(microseconds: float, records: int = 1_000, most: int = 2_000) -> BatchSizes:
    """Return what is known after many batches whose records cost so much."""
    sizes = BatchSizes(most)
    for _ in range(50):
        sizes.note("topic", records, records * microseconds / 1e6)
    return sizes


def test_a_topic_of_which_nothing_is_known_has_the_most():
    """A worker catches up from its first fetch on."""
    assert BatchSizes(2_000).records("topic") == 2_000


def test_a_batch_of_dear_records_is_small():
    """2,000 lines of a CDN hold the loop for 20 ms, in which nobody is answered."""
    assert learned(10).records("topic") == int(HOLD_SECONDS / 10e-6)


def test_a_batch_of_cheap_records_is_no_larger_than_the_setting():
    """It bounds what is in an agent's hands at once."""
    assert learned(0.1).records("topic") == 2_000
    assert learned(0.1, records=50, most=50).records("topic") == 50


def test_a_batch_never_gets_so_small_that_its_own_cost_is_most_of_it():
    """Else a slow moment would make every batch dear, and dear batches small for ever."""
    assert learned(1_000).records("topic") == FEWEST_RECORDS


def test_what_few_records_cost_says_nothing_of_many():
    """Of a batch of three events nearly all is what a batch costs."""
    sizes = BatchSizes(2_000)
    sizes.note("topic", 3, 0.003)
    assert sizes.records("topic") == 2_000


def test_topics_are_learned_apart():
    """Cheap events beside dear ones keep their large batches."""
    assert learned(10).records("other") == 2_000


def test_a_cost_that_falls_is_learned():
    """The first batches pay for caches that are cold."""
    sizes = learned(100)
    for _ in range(50):
        sizes.note("topic", FEWEST_RECORDS, FEWEST_RECORDS * 1e-6)
    assert sizes.records("topic") == 2_000
