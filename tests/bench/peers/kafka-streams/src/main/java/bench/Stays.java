package bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams as its users write it: one thread, the defaults, counts in RocksDB. */
public final class Stays {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration GRACE = Duration.ofDays(400); // bookings come in no order of their time
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");
    private static final Serde<JsonNode> NODES = Serdes.serdeFrom(
        (topic, node) -> write(node), (topic, bytes) -> read(bytes));

    private Stays() {}

    private static byte[] write(Object value) {
        try {
            return JSON.writeValueAsBytes(value);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static JsonNode read(byte[] bytes) {
        try {
            return JSON.readTree(bytes);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
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

    private static StreamsBuilder flow() {
        StreamsBuilder builder = new StreamsBuilder();
        KStream<byte[], JsonNode> stays = builder
            .stream(System.getenv("SOURCE"), Consumed.with(Serdes.ByteArray(), NODES)
                .withTimestampExtractor((record, previous) -> timeOf((JsonNode) record.value())))
            .mapValues(Stays::enrich);
        stays.to(System.getenv("OUTPUT"), Produced.with(Serdes.ByteArray(), NODES));
        stays.map((key, booking) -> KeyValue.pair(booking.get("stay_category").asText(), ""))
            .groupByKey(Grouped.with(Serdes.String(), Serdes.String()))
            .windowedBy(TimeWindows.ofSizeAndGrace(HOUR, GRACE))
            .count(Materialized.<String, Long>as(
                    Stores.persistentTimestampedWindowStore("stays", GRACE.plus(HOUR), HOUR, false))
                .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long()));
        return builder;
    }

    private static void writeCounts(KafkaStreams streams) throws IOException {
        Map<String, Long> counts = new TreeMap<>();
        var store = streams.store(StoreQueryParameters.fromNameAndType(
            "stays", QueryableStoreTypes.<String, Long>timestampedWindowStore()));
        try (var all = store.all()) {
            all.forEachRemaining(entry -> counts.merge(
                entry.key.key() + "|" + entry.key.window().start() / 1000, entry.value.value(), Long::sum));
        }
        Files.write(Path.of(System.getenv("COUNTS")), write(counts));
    }

    public static void main(String[] arguments) throws InterruptedException {
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("GROUP"));
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BROKER"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("FOLDER"));
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, System.getenv("GUARANTEE"));
        KafkaStreams streams = new KafkaStreams(flow().build(), config);
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                writeCounts(streams);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            } finally {
                streams.close(Duration.ofSeconds(20));
                stopped.countDown();
            }
        }));
        streams.start();
        stopped.await();
    }
}
