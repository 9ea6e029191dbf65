package bench.requests;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What tables count of one request. */
public record Request(long bytes, boolean isError, double milliseconds, String client) {
    public static final Serde<Request> SERDE = Serdes.serdeFrom((topic, request) -> request.packed(), (topic, bytes) -> read(bytes));

    public static Request of(JsonNode line) {
        double milliseconds = line.get("turnAroundTimeMSec").asDouble() + line.get("reqEndTimeMSec").asDouble()
            + line.get("transferTimeMSec").asDouble();
        return new Request(line.get("bytes").asLong(), line.get("statusCode").asInt() >= 500, milliseconds,
            line.get("cliIP").asText());
    }

    private byte[] packed() {
        byte[] name = client.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(17 + name.length)
            .putLong(bytes).putDouble(milliseconds).put((byte) (isError ? 1 : 0)).put(name).array();
    }

    private static Request read(byte[] packed) {
        ByteBuffer from = ByteBuffer.wrap(packed);
        long bytes = from.getLong();
        double milliseconds = from.getDouble();
        boolean isError = from.get() == 1;
        return new Request(bytes, isError, milliseconds, new String(packed, 17, packed.length - 17, StandardCharsets.UTF_8));
    }
}
