package bench;

import java.nio.file.Path;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Flink as its users set it up: one JVM, parallelism 1, heap state, a checkpoint to files every 10 s. */
final class Topics {
    private static final int CHECKPOINT_MS = 10_000;

    private Topics() {}

    static StreamExecutionEnvironment flink() {
        Configuration config = new Configuration();
        config.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY,
            Path.of(System.getenv("FOLDER"), "checkpoints").toUri().toString());
        StreamExecutionEnvironment flink = StreamExecutionEnvironment.getExecutionEnvironment(config);
        flink.setParallelism(1);
        flink.enableCheckpointing(CHECKPOINT_MS);
        return flink;
    }

    /** What is in the topic by now. */
    static KafkaSource<byte[]> source() {
        return KafkaSource.<byte[]>builder()
            .setBootstrapServers(System.getenv("BROKER")).setTopics(System.getenv("SOURCE"))
            .setGroupId(System.getenv("GROUP")).setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.latest()).setValueOnlyDeserializer(new Raw()).build();
    }

    static <T> KafkaSink<T> sink(SerializationSchema<T> schema) {
        return KafkaSink.<T>builder()
            .setBootstrapServers(System.getenv("BROKER"))
            .setDeliveryGuarantee(DeliveryGuarantee.valueOf(System.getenv("GUARANTEE")))
            .setTransactionalIdPrefix(System.getenv("GROUP"))
            .setProperty("transaction.timeout.ms", "600000")
            .setRecordSerializer(KafkaRecordSerializationSchema.<T>builder()
                .setTopic(System.getenv("OUTPUT")).setValueSerializationSchema(schema).build())
            .build();
    }
}
