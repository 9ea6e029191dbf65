package bench;

import bench.requests.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/** A1 and A2: bookings with their stay category; in A2 counted by category and hour. */
final class Stays implements Main.Job {
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration GRACE = Duration.ofDays(400); // bookings come in no order of their time
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");
    private final boolean isCounted;

    Stays(boolean isCounted) {
        this.isCounted = isCounted;
    }

    private static String category(JsonNode checkIn, JsonNode checkOut) {
        long nights;
        try {
            nights = ChronoUnit.DAYS.between(LocalDate.parse(checkIn.asText()), LocalDate.parse(checkOut.asText()));
        } catch (DateTimeParseException error) {
            return "Erroneous data";
        }
        if (nights <= 0) {
            return "Erroneous data";
        }
        return nights <= 4 ? "Short stay" : nights <= 10 ? "Standard stay"
            : nights <= 14 ? "Standard extended stay" : "Long stay";
    }

    private static JsonNode enrich(JsonNode booking) {
        String category = category(booking.get("srch_ci"), booking.get("srch_co"));
        return ((ObjectNode) booking).put("stay_category", category);
    }

    private static long timeOf(JsonNode booking) {
        return LocalDateTime.parse(booking.get("date_time").asText(), TIME).toInstant(ZoneOffset.UTC).toEpochMilli();
    }

    @Override
    public void addTo(StreamsBuilder builder) {
        Consumed<byte[], JsonNode> consumed = Consumed.with(Serdes.ByteArray(), Json.NODES);
        if (isCounted) {
            consumed = consumed.withTimestampExtractor((record, previous) -> timeOf((JsonNode) record.value()));
        }
        KStream<byte[], JsonNode> stays = builder.stream(System.getenv("SOURCE"), consumed).mapValues(Stays::enrich);
        stays.to(System.getenv("OUTPUT"), Produced.with(Serdes.ByteArray(), Json.NODES));
        if (isCounted) {
            stays.map((key, booking) -> KeyValue.pair(booking.get("stay_category").asText(), ""))
                .groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
                .windowedBy(TimeWindows.ofSizeAndGrace(HOUR, GRACE))
                .count(Materialized.<String, Long>as(
                        Stores.persistentTimestampedWindowStore("stays", GRACE.plus(HOUR), HOUR, false))
                    .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long())
                    // They are of 2015: the broker would delete what has been counted by its age.
                    .withLoggingEnabled(Map.of("retention.ms", "-1")));
        }
    }

    @Override
    public Map<String, Long> counts(KafkaStreams streams) {
        Map<String, Long> counts = new TreeMap<>();
        if (isCounted) {
            var store = streams.store(StoreQueryParameters.fromNameAndType(
                "stays", QueryableStoreTypes.<String, Long>timestampedWindowStore()));
            try (var all = store.all()) {
                all.forEachRemaining(entry -> counts.merge(
                    entry.key.key() + "|" + entry.key.window().start() / 1000, entry.value.value(), Long::sum));
            }
        }
        return counts;
    }
}
