#!/bin/sh
# Prints what a user is sent, with curl alone. Ends with the connection; -N shows each event at once.
#
#   CARILLON_SESSION=ses_… sh examples/receive/receive.sh
#
# To see whether a proxy on the way holds events back, run it once against the service and once
# through the proxy: "event: ready" must come at once both times.
set -eu

: "${CARILLON_SESSION:?is needed; POST /v1/sessions mints one}"
exec curl -sSN --fail-with-body "${CARILLON_URL:-http://localhost:8080}/v1/stream" \
  -H "authorization: Bearer $CARILLON_SESSION"
