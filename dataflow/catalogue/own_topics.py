"""Topics of our own: what workers tell one another and remember."""

from dataflow.catalogue.declared import INGESTED
from dataflow.catalogue.topic import JUDGED_BY_BROKER, LAST_OF_EACH_KEY, DeclaredTopic

EVENTS_SIMULATION = DeclaredTopic(
    "events-simulation", "who simulates analytics events, and whether it lives", configs=JUDGED_BY_BROKER
)
DEAD_LETTERS_REPLAYED = DeclaredTopic(
    "dead-letters-replayed", "which dead letters were sent back to their topics", configs=LAST_OF_EACH_KEY
)

# One partition: its order decides which version is the last.
FILTER_RULES = DeclaredTopic(
    "filter-rules", "rules of the CDN filter, the last version counts", configs=LAST_OF_EACH_KEY, partitions=1
)
UTM_SOURCES = DeclaredTopic(
    "utm-sources",
    "marketing categories by utm_source, the last version counts",
    configs=LAST_OF_EACH_KEY,
    partitions=1,
)

# A partition for each stream: no transaction of one holds up who reads another.
INGESTED_INPUTS = DeclaredTopic(
    "ingested-inputs",
    "files and objects that were read, and how far",
    configs=LAST_OF_EACH_KEY,
    partitions=len(INGESTED),
)
INGEST_RUNS = DeclaredTopic(
    "ingest-runs",
    "who reads inputs, and whether it lives",
    configs=JUDGED_BY_BROKER,
    partitions=len(INGESTED),
)

CHANGED_WHILE_IT_RUNS = (FILTER_RULES, UTM_SOURCES)
OWN_TOPICS = (EVENTS_SIMULATION, DEAD_LETTERS_REPLAYED, *CHANGED_WHILE_IT_RUNS, INGESTED_INPUTS, INGEST_RUNS)
