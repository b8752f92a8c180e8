import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Publishes one "new mail" to a user and prints what became of it. Java 11 or later, without any
 * library:
 *
 * <pre>CARILLON_KEY=car_... java Publish.java [user] [context]</pre>
 */
public final class Publish {
  private static final String URL = env("CARILLON_URL").orElse("http://localhost:8080");
  private static final String KEY =
      env("CARILLON_KEY").orElseThrow(() -> new IllegalStateException("CARILLON_KEY is not set"));
  private static final int ATTEMPTS = 5;
  // Without TLS, Java would otherwise ask for an upgrade to HTTP/2, which the service answers with 400.
  private static final HttpClient CLIENT =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(10))
          .build();

  public static void main(String[] args) throws Exception {
    String user = args.length > 0 ? args[0] : "3";
    String context = args.length > 1 ? args[1] : "1";
    // A program with a JSON library builds this from an object.
    String body =
        "{\"context\":" + quote(context) + ",\"user\":" + quote(user)
            + ",\"topic\":\"ox:mail:new\",\"data\":{\"folder\":\"default0/INBOX\",\"id\":\"113\","
            + "\"email\":\"jane.doe@foobar.com\",\"displayname\":\"Jane Doe\","
            + "\"subject\":\"Let us meet\",\"teaser\":\"Hello\"}}";
    String id = field("ids", publish(body)).orElseThrow();
    System.out.println("accepted as " + id);
    System.out.println(settled(id));
  }

  /** Publishes; repeats what failed for the moment with the same key, so that it counts once. */
  private static String publish(String body) throws Exception {
    HttpRequest request =
        request("/v1/notifications")
            .header("content-type", "application/json")
            .header("idempotency-key", UUID.randomUUID().toString())
            .POST(BodyPublishers.ofString(body))
            .build();
    for (int attempt = 1; ; attempt++) {
      try {
        HttpResponse<String> response = CLIENT.send(request, BodyHandlers.ofString());
        int status = response.statusCode();
        if (status == 202) return response.body();
        boolean isTransient = status == 409 || status == 429 || status >= 500;
        if (!isTransient || attempt == ATTEMPTS) fail(response);
      } catch (java.io.IOException unreachable) {
        if (attempt == ATTEMPTS) throw unreachable;
      }
      Thread.sleep((long) (Math.random() * 250 * Math.pow(2, attempt)));
    }
  }

  /** Waits until the notification has its final state, and returns its record. */
  private static String settled(String id) throws Exception {
    for (int look = 0; look < 60; look++) {
      HttpResponse<String> response =
          CLIENT.send(request("/v1/notifications/" + id).build(), BodyHandlers.ofString());
      if (response.statusCode() != 200) fail(response);
      if (!field("state", response.body()).equals(Optional.of("in_flight"))) return response.body();
      Thread.sleep(500);
    }
    throw new IllegalStateException("Still in flight after 30 seconds");
  }

  private static HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(URL + path))
        .timeout(Duration.ofSeconds(30))
        .header("authorization", "Bearer " + KEY);
  }

  private static void fail(HttpResponse<String> response) {
    throw new IllegalStateException(response.statusCode() + " " + response.body());
  }

  /** The first text within a field of an answer whose form is known. */
  private static Optional<String> field(String name, String json) {
    Matcher found = Pattern.compile("\"" + name + "\":\\[?\"([^\"]*)\"").matcher(json);
    return found.find() ? Optional.of(found.group(1)) : Optional.empty();
  }

  private static String quote(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  private static Optional<String> env(String name) {
    return Optional.ofNullable(System.getenv(name));
  }
}
