<?php
/**
 * Publishes one "new mail" to a user and prints what became of it. PHP 8 or later, without any
 * library:
 *
 *   CARILLON_KEY=car_… php publish.php [user] [context]
 */

declare(strict_types=1);

const ATTEMPTS = 5;

/** Calls the service; throws with its reason where it refuses. */
function call(string $method, string $path, ?array $body = null, array $headers = []): array
{
    $url = getenv('CARILLON_URL') ?: 'http://localhost:8080';
    $key = getenv('CARILLON_KEY') ?: throw new RuntimeException('CARILLON_KEY is not set');
    $context = stream_context_create(['http' => [
        'method' => $method,
        'header' => ["Authorization: Bearer $key", 'Content-Type: application/json', ...$headers],
        'content' => $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR),
        'timeout' => 30,
        'ignore_errors' => true, // the body of a refusal says why
    ]]);
    $answer = @file_get_contents($url . $path, false, $context);
    if ($answer === false) {
        throw new RuntimeException("Cannot reach $url", 0);
    }
    $status = (int) explode(' ', $http_response_header[0])[1];
    if ($status >= 300) {
        throw new RuntimeException("$status $answer", $status);
    }
    return json_decode($answer, true, 512, JSON_THROW_ON_ERROR);
}

/** Publishes; repeats what failed for the moment with the same key, so that it counts once. */
function publish(array $notification): string
{
    $key = 'Idempotency-Key: ' . bin2hex(random_bytes(16));
    for ($attempt = 1; ; $attempt++) {
        try {
            return call('POST', '/v1/notifications', $notification, [$key])['ids'][0];
        } catch (RuntimeException $error) {
            $status = $error->getCode();
            $isTransient = in_array($status, [0, 409, 429], true) || $status >= 500;
            if (!$isTransient || $attempt === ATTEMPTS) {
                throw $error;
            }
            usleep(random_int(0, 250_000 * 2 ** $attempt));
        }
    }
}

try {
    $id = publish([
        'user' => $argv[1] ?? '3',
        'context' => $argv[2] ?? '1',
        'topic' => 'ox:mail:new',
        'data' => [
            'folder' => 'default0/INBOX',
            'id' => '113',
            'email' => 'jane.doe@foobar.com',
            'displayname' => 'Jane Doe',
            'subject' => 'Let us meet',
            'teaser' => 'Hello',
        ],
    ]);
    echo "accepted as $id\n";
    do {
        usleep(200_000);
        $record = call('GET', "/v1/notifications/$id");
    } while ($record['state'] === 'in_flight');
    echo json_encode($record), "\n";
} catch (RuntimeException $error) {
    fwrite(STDERR, $error->getMessage() . "\n");
    exit(1);
}
