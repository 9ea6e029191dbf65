import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;

/** One OpenSearch node for tests: home, port and plugin classes in; a server on 127.0.0.1 out. */
public class Search extends Node {
    Search(Settings settings, List<Class<? extends Plugin>> plugins) {
        super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "test"), plugins, false);
    }

    public static void main(String[] arguments) throws Exception {
        List<Class<? extends Plugin>> plugins = new ArrayList<>();
        for (String name : Arrays.copyOfRange(arguments, 2, arguments.length)) {
            plugins.add(Class.forName(name).asSubclass(Plugin.class));
        }
        Settings settings = Settings.builder()
            .put("path.home", arguments[0])
            .put("http.port", arguments[1])
            .put("transport.port", "0")
            .put("network.host", "127.0.0.1")
            .put("cluster.name", "test")
            .put("node.name", "test")
            .put("discovery.type", "single-node")
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        new Search(settings, plugins).start();
        Thread.currentThread().join();
    }
}
