import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;
import java.util.logging.Level;
import java.util.logging.Logger;

/** The service payments: charges, then has the goods reserved. It knows nothing of telemetry. Environment: INVENTORY_URL. */
public final class Payments {
    private static final Logger LOG = Logger.getLogger("payments");
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String inventory;

    private Payments(String inventory) {
        this.inventory = inventory;
    }

    private static final class PaymentDeclined extends Exception {
        PaymentDeclined(String message) {
            super(message);
        }
    }

    private HttpResponse<String> charge(String query) throws PaymentDeclined, IOException, InterruptedException {
        if (query.contains("outcome=declined")) {
            throw new PaymentDeclined("card declined: insufficient funds");
        }
        LOG.info("charged");
        var reserve = HttpRequest.newBuilder(URI.create(inventory + "/reserve?" + query))
                .POST(HttpRequest.BodyPublishers.noBody()).build();
        return client.send(reserve, HttpResponse.BodyHandlers.ofString());
    }

    private void handle(HttpExchange exchange) throws IOException {
        try {
            var reserved = charge(String.valueOf(exchange.getRequestURI().getRawQuery()));
            answer(exchange, reserved.statusCode(), reserved.body());
        } catch (PaymentDeclined declined) {
            LOG.log(Level.SEVERE, "charge refused", declined);
            answer(exchange, 402, "{}");
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            answer(exchange, 503, "{}");
        }
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        var bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    public static void main(String[] arguments) throws IOException {
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/charge", new Payments(System.getenv("INVENTORY_URL"))::handle);
        server.start();
        System.out.println("listening 127.0.0.1:" + server.getAddress().getPort());
    }
}
