package bench;

import bench.requests.Json;
import com.fasterxml.jackson.databind.JsonNode;
import com.maxmind.db.CHMCache;
import com.maxmind.geoip2.DatabaseReader;
import com.maxmind.geoip2.exception.GeoIp2Exception;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import ua_parser.CachingParser;
import ua_parser.Client;

/** B: access log lines as JSON with user agent and country; what cannot be parsed is left out. */
final class AccessLines implements Main.Job {
    private static final Pattern LINE = Pattern.compile(
        "(\\S+) \\S+ \\S+ \\[([^\\]]+)\\] \"(\\S+) (\\S+) ([^\"]+)\" (\\d{3}) (\\d+|-) \"([^\"]*)\" \"([^\"]*)\".*");
    private static final DateTimeFormatter LOGGED = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss Z", Locale.ENGLISH);
    private static final DateTimeFormatter TOLD = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ssxxx");

    private final CachingParser agents = new CachingParser();
    private DatabaseReader places;

    @Override
    public void addTo(StreamsBuilder builder) throws IOException {
        places = new DatabaseReader.Builder(new File(System.getenv("CITY"))).withCache(new CHMCache()).build();
        builder.stream(System.getenv("SOURCE"), Consumed.with(Serdes.ByteArray(), Serdes.String()))
            .flatMapValues(this::parsed)
            .to(System.getenv("OUTPUT"), Produced.with(Serdes.ByteArray(), Json.NODES));
    }

    private List<JsonNode> parsed(String line) {
        Matcher found = LINE.matcher(line);
        if (!found.matches()) {
            return List.of();
        }
        Client agent = agents.parse(found.group(9));
        return List.of(Json.MAPPER.createObjectNode()
            .put("ip", found.group(1))
            .put("ts", OffsetDateTime.parse(found.group(2), LOGGED).format(TOLD))
            .put("method", found.group(3)).put("endpoint", found.group(4)).put("protocol", found.group(5))
            .put("status", Integer.parseInt(found.group(6)))
            .put("bytes", found.group(7).equals("-") ? 0L : Long.parseLong(found.group(7)))
            .put("referer", found.group(8)).put("user_agent", found.group(9))
            .put("ua_device", agent.device.family).put("ua_os", agent.os.family)
            .put("ua_browser", agent.userAgent.family).put("country", country(found.group(1))));
    }

    private String country(String address) {
        try {
            return places.tryCity(InetAddress.getByName(address))
                .map(city -> city.getCountry().getIsoCode()).orElse(null);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (GeoIp2Exception error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public Map<String, Long> counts(KafkaStreams streams) {
        return Map.of();
    }
}
