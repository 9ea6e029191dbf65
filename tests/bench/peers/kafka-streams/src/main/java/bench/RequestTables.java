package bench;

import bench.requests.CdnLine;
import bench.requests.Request;
import bench.requests.Summary;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.QueryableStoreTypes;

/** T: CDN lines that five rules let pass, and four tables of them by minute, hour, day and in all. */
final class RequestTables implements Main.Job {
    private static final Duration GRACE = Duration.ofHours(1);

    @Override
    public void addTo(StreamsBuilder builder) throws IOException {
        List<CdnLine.Rule> rules = CdnLine.rules();
        KStream<byte[], Line> kept = builder
            .stream(System.getenv("SOURCE"), Consumed.with(Serdes.ByteArray(), Line.SERDE)
                .withTimestampExtractor((record, previous) -> CdnLine.timeOf(((Line) record.value()).parsed())))
            .filter((key, line) -> CdnLine.passes(line.parsed(), rules));
        kept.to(System.getenv("OUTPUT"), Produced.with(Serdes.ByteArray(), Line.SERDE));
        CdnLine.TABLES.forEach((table, keyOf) -> addTable(table, kept.map(
            (key, line) -> KeyValue.pair(keyOf.apply(line.parsed()), Request.of(line.parsed())))));
    }

    private static void addTable(String table, KStream<String, Request> requests) {
        KGroupedStream<String, Request> grouped =
            requests.groupByKey(Grouped.with(table, Serdes.String(), Request.SERDE));
        CdnLine.WINDOWS.forEach((window, size) -> grouped
            .windowedBy(TimeWindows.ofSizeAndGrace(size, GRACE))
            .aggregate(() -> new Summary(table), (key, request, summary) -> summary.add(request),
                Materialized.<String, Summary, org.apache.kafka.streams.state.WindowStore<
                    org.apache.kafka.common.utils.Bytes, byte[]>>as(table + "-" + window)
                    .withKeySerde(Serdes.String()).withValueSerde(Summary.SERDE)));
        grouped.aggregate(() -> new Summary(table), (key, request, summary) -> summary.add(request),
            Materialized.<String, Summary, org.apache.kafka.streams.state.KeyValueStore<
                org.apache.kafka.common.utils.Bytes, byte[]>>as(table + "-all")
                .withKeySerde(Serdes.String()).withValueSerde(Summary.SERDE));
    }

    @Override
    public List<List<Object>> counts(KafkaStreams streams) {
        List<List<Object>> cells = new ArrayList<>();
        for (String table : CdnLine.TABLES.keySet()) {
            for (String window : CdnLine.WINDOWS.keySet()) {
                var store = streams.store(StoreQueryParameters.fromNameAndType(
                    table + "-" + window, QueryableStoreTypes.<String, Summary>timestampedWindowStore()));
                try (var all = store.all()) {
                    all.forEachRemaining(entry -> cells.add(List.of(table, window,
                        entry.key.window().start() / 1000, entry.key.key(), entry.value.value().told())));
                }
            }
            var store = streams.store(StoreQueryParameters.fromNameAndType(
                table + "-all", QueryableStoreTypes.<String, Summary>timestampedKeyValueStore()));
            try (var all = store.all()) {
                all.forEachRemaining(
                    entry -> cells.add(List.of(table, "all", 0, entry.key, entry.value.value().told())));
            }
        }
        return cells;
    }
}
