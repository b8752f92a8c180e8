#!/bin/sh
# Publishes "new mail" to a user with curl (7.76 or later), and prints what became of it.
#
#   CARILLON_KEY=car_… sh examples/publish/publish.sh [user] [context]
#
# The key needs the scope "publish", and "read" for the second request.
set -eu

url=${CARILLON_URL:-http://localhost:8080}
key=${CARILLON_KEY:?Set it to an API key with the scopes publish and read}
user=${1:-3}
context=${2:-1}

# curl repeats the request where the service is busy or away. The Idempotency-Key makes sure that
# the notification is published once, however often the request arrives: use one that names what
# happened, e.g. the id of the mail.
answer=$(
  curl --silent --show-error --fail-with-body --retry 3 "$url/v1/notifications" \
    --header "authorization: Bearer $key" \
    --header 'content-type: application/json' \
    --header "idempotency-key: mail-113-$(date +%s)-$$" \
    --data @- <<JSON
{
  "context": "$context",
  "user": "$user",
  "topic": "ox:mail:new",
  "data": { "folder": "default0/INBOX", "id": "113", "subject": "Let us meet" }
}
JSON
) || { echo "Not accepted: $answer" >&2; exit 1; }

id=$(printf '%s' "$answer" | sed 's/.*"ids":\["\([^"]*\)".*/\1/')
echo "accepted as $id"

# 202 means that the notification is stored. Delivery follows, after the delay for similar ones.
while
  record=$(
    curl --silent --show-error --fail-with-body "$url/v1/notifications/$id" \
      --header "authorization: Bearer $key"
  ) || { echo "Cannot read its record: $record" >&2; exit 1; }
  printf '%s' "$record" | grep -q '"state":"in_flight"'
do
  sleep 1
done
echo "$record"
