package bench.requests;

import com.google.common.hash.Hashing;
import com.tdunning.math.stats.MergingDigest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import net.agkn.hll.HLL;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What a table tells of the requests of a key in a window: sketches of clients and of times where it has them. */
public final class Summary {
    public static final Serde<Summary> SERDE = Serdes.serdeFrom((topic, summary) -> summary.packed(), (topic, bytes) -> read(bytes));
    private static final int LOG2_REGISTERS = 12;
    private static final int REGISTER_BITS = 5;
    private static final int COMPRESSION = 100;

    private long count;
    private long bytes;
    private long errors;
    private HLL clients;
    private MergingDigest times;

    private Summary() {}

    public Summary(String table) {
        if (table.equals("requests_per_endpoint") || table.equals("requests_per_country")) {
            clients = new HLL(LOG2_REGISTERS, REGISTER_BITS);
        }
        if (table.equals("requests_per_endpoint")) {
            times = new MergingDigest(COMPRESSION);
        }
    }

    public Summary add(Request request) {
        count++;
        bytes += request.bytes();
        errors += request.isError() ? 1 : 0;
        if (clients != null) {
            clients.addRaw(Hashing.murmur3_128().hashString(request.client(), StandardCharsets.UTF_8).asLong());
        }
        if (times != null) {
            times.add(request.milliseconds());
        }
        return this;
    }

    public Map<String, Object> told() {
        Map<String, Object> told = new TreeMap<>(Map.of("count", count, "bytes", bytes, "errors", errors));
        if (clients != null) {
            told.put("distinct_clients", clients.cardinality());
        }
        if (times != null) {
            told.put("response_time_ms", Map.of(
                "p50", times.quantile(0.5), "p90", times.quantile(0.9), "p99", times.quantile(0.99)));
        }
        return told;
    }

    private byte[] packed() {
        byte[] set = clients == null ? new byte[0] : clients.toBytes();
        int digest = times == null ? 0 : times.smallByteSize();
        ByteBuffer into = ByteBuffer.allocate(32 + set.length + digest)
            .putLong(count).putLong(bytes).putLong(errors).putInt(set.length).putInt(digest).put(set);
        if (times != null) {
            times.asSmallBytes(into);
        }
        return into.array();
    }

    private static Summary read(byte[] packed) {
        Summary summary = new Summary();
        ByteBuffer from = ByteBuffer.wrap(packed);
        summary.count = from.getLong();
        summary.bytes = from.getLong();
        summary.errors = from.getLong();
        byte[] set = new byte[from.getInt()];
        int digest = from.getInt();
        from.get(set);
        summary.clients = set.length == 0 ? null : HLL.fromBytes(set);
        summary.times = digest == 0 ? null : MergingDigest.fromBytes(from);
        return summary;
    }
}
