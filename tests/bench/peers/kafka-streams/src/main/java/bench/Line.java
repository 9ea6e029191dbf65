package bench;

import bench.requests.Json;
import com.fasterxml.jackson.databind.JsonNode;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** A line as it came, parsed once. */
record Line(byte[] raw, JsonNode parsed) {
    static final Serde<Line> SERDE =
        Serdes.serdeFrom((topic, line) -> line.raw(), (topic, bytes) -> new Line(bytes, Json.read(bytes)));
}
