package bench;

import bench.requests.CdnLine;
import bench.requests.Json;
import bench.requests.Request;
import bench.requests.Summary;
import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * T: CDN lines that five rules let pass, and four tables of them by minute, hour, day and in all.
 *
 * <p>It reads what is there and ends, as windows are told when they close.
 */
public final class RequestTables {
    private static final Duration DISORDER = Duration.ofHours(1);
    private static final Duration EVER = Duration.ofDays(36_500); // from 1970 on
    private static final Queue<List<Object>> CELLS = new ConcurrentLinkedQueue<>(); // for the check
    private static final TypeInformation<Tuple2<byte[], JsonNode>> LINES =
        Types.TUPLE(Types.PRIMITIVE_ARRAY(Types.BYTE), Types.GENERIC(JsonNode.class));
    private static final TypeInformation<Tuple2<String, Request>> REQUESTS =
        Types.TUPLE(Types.STRING, Types.GENERIC(Request.class));

    private RequestTables() {}

    private static final class AsItCame implements SerializationSchema<Tuple2<byte[], JsonNode>> {
        @Override
        public byte[] serialize(Tuple2<byte[], JsonNode> line) {
            return line.f0;
        }
    }

    private record Summarize(String table) implements AggregateFunction<Tuple2<String, Request>, Summary, Summary> {
        @Override
        public Summary createAccumulator() {
            return new Summary(table);
        }

        @Override
        public Summary add(Tuple2<String, Request> request, Summary summary) {
            return summary.add(request.f1);
        }

        @Override
        public Summary getResult(Summary summary) {
            return summary;
        }

        @Override
        public Summary merge(Summary one, Summary other) {
            throw new UnsupportedOperationException("tumbling windows are not merged");
        }
    }

    private static final class Keep extends ProcessWindowFunction<Summary, String, String, TimeWindow> {
        private final String table;
        private final String window;

        Keep(String table, String window) {
            this.table = table;
            this.window = window;
        }

        @Override
        public void process(String key, Context context, Iterable<Summary> summaries, Collector<String> out) {
            long start = context.window().getStart() / 1000;
            CELLS.add(List.of(table, window, start, key, summaries.iterator().next().told()));
        }
    }

    private static void addTable(String table, KeyedStream<Tuple2<String, Request>, String> requests) {
        TypeInformation<Summary> summaries = Types.GENERIC(Summary.class);
        Map<String, Duration> windows = new LinkedHashMap<>(CdnLine.WINDOWS);
        windows.put("all", EVER);
        windows.forEach((window, size) -> requests
            .window(TumblingEventTimeWindows.of(size))
            .aggregate(new Summarize(table), new Keep(table, window), summaries, summaries, Types.STRING)
            .sinkTo(new DiscardingSink<>()));
    }

    public static void main(String[] arguments) throws Exception {
        StreamExecutionEnvironment flink = Topics.flink();
        List<CdnLine.Rule> rules = CdnLine.rules();
        DataStream<Tuple2<byte[], JsonNode>> kept = flink
            .fromSource(Topics.source(), WatermarkStrategy.noWatermarks(), "lines")
            .map(raw -> Tuple2.of(raw, Json.read(raw))).returns(LINES)
            .filter(line -> CdnLine.passes(line.f1, rules));
        kept.sinkTo(Topics.sink(new AsItCame()));
        DataStream<Tuple2<byte[], JsonNode>> timed = kept.assignTimestampsAndWatermarks(
            WatermarkStrategy.<Tuple2<byte[], JsonNode>>forBoundedOutOfOrderness(DISORDER)
                .withTimestampAssigner((line, previous) -> CdnLine.timeOf(line.f1)));
        for (String table : CdnLine.TABLES.keySet()) {
            addTable(table, timed
                .map(line -> Tuple2.of(CdnLine.TABLES.get(table).apply(line.f1), Request.of(line.f1)))
                .returns(REQUESTS).keyBy(request -> request.f0));
        }
        flink.execute();
        Files.write(Path.of(System.getenv("COUNTS")), Json.write(CELLS));
    }
}
