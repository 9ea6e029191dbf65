package bench.requests;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.IOException;
import java.io.Serializable;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;

/** CDN lines: which of them rules let pass, when they were, and by what tables count them. */
public final class CdnLine {
    public static final Map<String, Duration> WINDOWS = new LinkedHashMap<>();
    public static final Map<String, Function<JsonNode, String>> TABLES = new LinkedHashMap<>();
    private static final int LONGEST_LABEL = 200;

    static {
        WINDOWS.put("minute", Duration.ofMinutes(1));
        WINDOWS.put("hour", Duration.ofHours(1));
        WINDOWS.put("day", Duration.ofDays(1));
        TABLES.put("requests_per_endpoint", line -> label(endpoint(line)));
        TABLES.put("requests_per_status", line -> line.get("statusCode").asText());
        TABLES.put("requests_per_country", line -> line.path("country").asText("(none)"));
        TABLES.put("top_clients", line -> label(line.get("cliIP").asText()));
    }

    private CdnLine() {}

    /** One rule: a value that matches is kept, or is dropped. */
    public record Rule(String field, Pattern pattern, boolean isKept) implements Serializable {
        private boolean letsPass(JsonNode line) {
            JsonNode value = line.get(field);
            return value == null ? !isKept : pattern.matcher(value.asText()).matches() == isKept;
        }
    }

    public static List<Rule> rules() throws IOException {
        List<Rule> rules = new ArrayList<>();
        for (JsonNode rule : Json.MAPPER.readTree(new File(System.getenv("RULES")))) {
            rules.add(new Rule(rule.get("fieldName").asText(), Pattern.compile(rule.get("regex").asText()),
                rule.path("include").asBoolean(false)));
        }
        return rules;
    }

    public static boolean passes(JsonNode line, List<Rule> rules) {
        return rules.stream().allMatch(rule -> rule.letsPass(line));
    }

    public static long timeOf(JsonNode line) {
        return (long) (Double.parseDouble(line.get("reqTimeSec").asText()) * 1000);
    }

    private static String endpoint(JsonNode line) {
        String path = line.get("reqPath").asText();
        int query = path.indexOf('?');
        String raw = query < 0 ? path : path.substring(0, query);
        return "/" + (raw.indexOf('%') < 0 ? raw : decoded(raw)).replaceFirst("^/+", "");
    }

    /** A path without its escapes; bytes that are no UTF-8 by their number. */
    private static String decoded(String path) {
        String bytes = URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.ISO_8859_1);
        ByteBuffer in = ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1));
        CharBuffer out = CharBuffer.allocate(4 * in.remaining());
        CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
        CoderResult result = decoder.decode(in, out, true);
        while (result.isMalformed()) {
            for (int number = 0; number < result.length(); number++) {
                out.put(String.format("\\x%02x", in.get()));
            }
            result = decoder.decode(in, out, true);
        }
        return out.flip().toString();
    }

    private static String label(String key) {
        return key.length() <= LONGEST_LABEL ? key : key.substring(0, LONGEST_LABEL - 1) + "…";
    }
}
