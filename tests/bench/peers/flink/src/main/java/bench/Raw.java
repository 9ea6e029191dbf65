package bench;

import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;

/** Values as they come. */
final class Raw extends AbstractDeserializationSchema<byte[]> {
    @Override
    public byte[] deserialize(byte[] message) {
        return message;
    }
}
