import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.geo.GeoModulePlugin;
import org.opensearch.index.mapper.MapperExtrasPlugin;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.ingest.common.IngestCommonPlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;
import org.opensearch.security.OpenSearchSecurityPlugin;
import org.opensearch.transport.Netty4Plugin;

/** A node with the security plugin, configured by the opensearch.yml of a folder. */
public class SecuredNode extends Node {
    SecuredNode(Settings settings, Path config) {
        super(
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "opensearch"),
            List.<Class<? extends Plugin>>of(
                Netty4Plugin.class, CommonAnalysisPlugin.class, GeoModulePlugin.class, MapperExtrasPlugin.class,
                ReindexPlugin.class, IngestCommonPlugin.class, OpenSearchSecurityPlugin.class),
            false);
    }

    /** Arguments: the home folder, and that of the settings. */
    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.builder().put("path.home", arguments[0]).build();
        Node node = new SecuredNode(settings, Path.of(arguments[1]));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception ended) {
                // the process ends anyhow
            }
        }));
        node.start();
        Thread.currentThread().join();
    }
}
