"""Labels of metrics: bounded, and nothing is left out."""

from dataflow.web.partition_metrics import LONGEST, MOST, OTHERS, bounded


def test_labels_stay_few_and_every_event_is_counted():
    """Rules come and go for years, and each name would stay with Prometheus for ever."""
    counts = {f"rule-{number}": number for number in range(MOST + 50)}
    labelled = bounded(counts)
    assert len(labelled) == MOST + 1
    assert labelled["rule-99"] == 99
    assert labelled[OTHERS] == sum(range(MOST, MOST + 50))


def test_long_names_are_cut_and_those_that_begin_alike_counted_together():
    """A name may be as long as a rule file allows."""
    assert bounded({"x" * LONGEST + "1": 2, "x" * LONGEST + "2": 3}) == {"x" * LONGEST: 5}
