package bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * A1 and A2: bookings with their stay category; in A2 counted by category and hour.
 *
 * <p>It reads what is there and ends, as windows are told when they close.
 */
public final class Stays {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");
    private static final Duration DISORDER = Duration.ofDays(400); // bookings come in no order of their time
    private static final Map<String, Long> COUNTS = new ConcurrentHashMap<>(); // for the check

    private Stays() {}

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

    /** Output, category and time of a booking. */
    private static Tuple3<byte[], String, Long> enrich(byte[] value) throws Exception {
        ObjectNode booking = (ObjectNode) JSON.readTree(value);
        String category = category(booking.get("srch_ci"), booking.get("srch_co"));
        booking.put("stay_category", category);
        long at = LocalDateTime.parse(booking.get("date_time").asText(), TIME).toInstant(ZoneOffset.UTC).toEpochMilli();
        return Tuple3.of(JSON.writeValueAsBytes(booking), category, at);
    }

    private static final class Output implements SerializationSchema<Tuple3<byte[], String, Long>> {
        @Override
        public byte[] serialize(Tuple3<byte[], String, Long> stay) {
            return stay.f0;
        }
    }

    private static final class Count implements AggregateFunction<Tuple2<String, Long>, Long, Long> {
        @Override
        public Long createAccumulator() {
            return 0L;
        }

        @Override
        public Long add(Tuple2<String, Long> stay, Long count) {
            return count + 1;
        }

        @Override
        public Long getResult(Long count) {
            return count;
        }

        @Override
        public Long merge(Long one, Long other) {
            return one + other;
        }
    }

    private static final class Keep extends ProcessWindowFunction<Long, String, String, TimeWindow> {
        @Override
        public void process(String category, Context context, Iterable<Long> counts, Collector<String> out) {
            COUNTS.put(category + "|" + context.window().getStart() / 1000, counts.iterator().next());
        }
    }

    private static void count(DataStream<Tuple3<byte[], String, Long>> stays) {
        stays.map(stay -> Tuple2.of(stay.f1, stay.f2)).returns(Types.TUPLE(Types.STRING, Types.LONG))
            .assignTimestampsAndWatermarks(WatermarkStrategy
                .<Tuple2<String, Long>>forBoundedOutOfOrderness(DISORDER)
                .withTimestampAssigner((stay, previous) -> stay.f1))
            .keyBy(stay -> stay.f0)
            .window(TumblingEventTimeWindows.of(Duration.ofHours(1)))
            .aggregate(new Count(), new Keep())
            .sinkTo(new DiscardingSink<>());
    }

    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment flink = Topics.flink();
        DataStream<Tuple3<byte[], String, Long>> stays = flink
            .fromSource(Topics.source(), WatermarkStrategy.noWatermarks(), "bookings")
            .map(Stays::enrich)
            .returns(Types.TUPLE(Types.PRIMITIVE_ARRAY(Types.BYTE), Types.STRING, Types.LONG));
        stays.sinkTo(Topics.sink(new Output()));
        if (System.getenv("JOB").equals("A2")) {
            count(stays);
        }
        flink.execute();
        Files.write(Path.of(System.getenv("COUNTS")), JSON.writeValueAsBytes(COUNTS));
    }
}
