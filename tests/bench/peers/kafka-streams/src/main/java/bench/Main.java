package bench;

import bench.requests.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;

/** Kafka Streams as its users write it: one thread, the defaults, state in RocksDB. */
public final class Main {
    private Main() {}

    /** A flow, and what it has counted, told for the check. */
    interface Job {
        void addTo(StreamsBuilder builder) throws IOException;

        Object counts(KafkaStreams streams);
    }

    private static Job job() {
        return switch (System.getenv("JOB")) {
            case "A1" -> new Stays(false);
            case "A2" -> new Stays(true);
            case "B" -> new AccessLines();
            case "T" -> new RequestTables();
            default -> throw new IllegalArgumentException("JOB is " + System.getenv("JOB"));
        };
    }

    private static void writeCounts(Job job, KafkaStreams streams) {
        try {
            Files.write(Path.of(System.getenv("COUNTS")), Json.write(job.counts(streams)));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Properties config = new Properties();
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("GROUP"));
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BROKER"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("FOLDER"));
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, System.getenv("GUARANTEE"));
        String session = System.getenv("SESSION_MS");
        if (session != null) {
            config.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), session);
            config.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG),
                Integer.parseInt(session) / 4);
        }
        Job job = job();
        StreamsBuilder builder = new StreamsBuilder();
        job.addTo(builder);
        KafkaStreams streams = new KafkaStreams(builder.build(), config);
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                writeCounts(job, streams);
            } finally {
                streams.close(Duration.ofSeconds(20));
                stopped.countDown();
            }
        }));
        streams.start();
        stopped.await();
    }
}
