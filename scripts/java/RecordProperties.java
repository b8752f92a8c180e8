import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractMap;
import java.util.Properties;

/**
 * Reads one document per line from a file, each as a JSON string of ASCII with escapes, and prints
 * for each what java.util.Properties makes of it: the entries in the order in which they were put, or
 * null where Java refuses the document. Run by scripts/record_properties.ts.
 */
class RecordProperties {
  /** Remembers every put, repeated keys included, which the table itself does not. */
  static final class Recorder extends Properties {
    final StringBuilder puts = new StringBuilder("[");

    @Override
    public synchronized Object put(Object key, Object value) {
      if (puts.length() > 1) puts.append(',');
      puts.append('[').append(quote((String) key)).append(',').append(quote((String) value))
          .append(']');
      return super.put(key, value);
    }
  }

  public static void main(String[] arguments) throws Exception {
    for (String line : Files.readAllLines(Path.of(arguments[0]), StandardCharsets.US_ASCII)) {
      Recorder recorder = new Recorder();
      String answer;
      try {
        recorder.load(new StringReader(unquote(line)));
        answer = recorder.puts.append(']').toString();
      } catch (IllegalArgumentException refused) {
        answer = "null";
      }
      System.out.println(answer);
    }
  }

  static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c >= ' ' && c <= '~' && c != '"' && c != '\\') quoted.append(c);
      else quoted.append(String.format("\\u%04x", (int) c));
    }
    return quoted.append('"').toString();
  }

  /** The opposite, for strings whose only escapes have the form of a backslash, u and four digits. */
  static String unquote(String json) {
    StringBuilder text = new StringBuilder();
    for (int at = 1; at < json.length() - 1; at++) {
      char c = json.charAt(at);
      if (c != '\\') text.append(c);
      else {
        text.append((char) Integer.parseInt(json.substring(at + 2, at + 6), 16));
        at += 5;
      }
    }
    return text.toString();
  }
}
