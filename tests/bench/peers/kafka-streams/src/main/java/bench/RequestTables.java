package bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
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
    private static final int LONGEST_LABEL = 200;
    private static final Duration GRACE = Duration.ofHours(1);
    private static final Map<String, Duration> WINDOWS = new LinkedHashMap<>();
    private static final Map<String, Function<JsonNode, String>> TABLES = new LinkedHashMap<>();

    static {
        WINDOWS.put("minute", Duration.ofMinutes(1));
        WINDOWS.put("hour", Duration.ofHours(1));
        WINDOWS.put("day", Duration.ofDays(1));
        TABLES.put("requests_per_endpoint", RequestTables::endpoint);
        TABLES.put("requests_per_status", line -> line.get("statusCode").asText());
        TABLES.put("requests_per_country", line -> line.path("country").asText("(none)"));
        TABLES.put("top_clients", line -> line.get("cliIP").asText());
    }

    /** One rule: a value that matches is kept, or is dropped. */
    private record Rule(String field, Pattern pattern, boolean isKept) {
        boolean letsPass(JsonNode line) {
            JsonNode value = line.get(field);
            return value == null ? !isKept : pattern.matcher(value.asText()).matches() == isKept;
        }
    }

    private final List<Rule> rules = new ArrayList<>();

    private static String endpoint(JsonNode line) {
        String path = line.get("reqPath").asText();
        int query = path.indexOf('?');
        String raw = query < 0 ? path : path.substring(0, query);
        String decoded = raw.indexOf('%') < 0 ? raw
            : URLDecoder.decode(raw.replace("+", "%2B"), StandardCharsets.UTF_8);
        return "/" + decoded.replaceFirst("^/+", "");
    }

    private static String label(String key) {
        return key.length() <= LONGEST_LABEL ? key : key.substring(0, LONGEST_LABEL - 1) + "…";
    }

    private static long timeOf(JsonNode line) {
        return (long) (Double.parseDouble(line.get("reqTimeSec").asText()) * 1000);
    }

    private boolean passes(JsonNode line) {
        return rules.stream().allMatch(rule -> rule.letsPass(line));
    }

    @Override
    public void addTo(StreamsBuilder builder) throws IOException {
        for (JsonNode rule : Json.MAPPER.readTree(new File(System.getenv("RULES")))) {
            rules.add(new Rule(rule.get("fieldName").asText(), Pattern.compile(rule.get("regex").asText()),
                rule.path("include").asBoolean(false)));
        }
        KStream<byte[], Line> kept = builder
            .stream(System.getenv("SOURCE"), Consumed.with(Serdes.ByteArray(), Line.SERDE)
                .withTimestampExtractor((record, previous) -> timeOf(((Line) record.value()).parsed())))
            .filter((key, line) -> passes(line.parsed()));
        kept.to(System.getenv("OUTPUT"), Produced.with(Serdes.ByteArray(), Line.SERDE));
        TABLES.forEach((table, keyOf) -> addTable(table, kept.map(
            (key, line) -> KeyValue.pair(label(keyOf.apply(line.parsed())), Request.of(line.parsed())))));
    }

    private static void addTable(String table, KStream<String, Request> requests) {
        KGroupedStream<String, Request> grouped =
            requests.groupByKey(Grouped.with(table, Serdes.String(), Request.SERDE));
        WINDOWS.forEach((window, size) -> grouped
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
        for (String table : TABLES.keySet()) {
            for (String window : WINDOWS.keySet()) {
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
