#!/usr/bin/env python3
"""Receives what a user is sent, with nothing but Python's standard library.

    CARILLON_URL=http://localhost:8080 CARILLON_SESSION=ses_... python3 receive.py [state-file]

Prints each event as a line of JSON. Reconnects by itself and continues after the last event; with
a state file also after the program was stopped. "resync" says that some events are no longer
stored: load what you need from its source.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("CARILLON_URL", "http://localhost:8080")
SESSION = os.environ["CARILLON_SESSION"]
STATE = sys.argv[1] if len(sys.argv) > 1 else None
# The service sends something at least every 25 seconds; after this it counts as gone.
SILENCE_SECONDS = 60


def messages(response):
    """Yields (event, id, data, retry) of each message (HTML Standard, 9.2.6)."""
    event, last_id, data, retry = "message", None, [], None
    for raw in response:
        line = raw.decode("utf-8").rstrip("\r\n")
        if line == "":
            if data:
                yield event, last_id, "\n".join(data), retry
            event, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "event":
            event = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value
        elif field == "retry":
            retry = int(value) / 1000


def load():
    if STATE and os.path.exists(STATE):
        with open(STATE, encoding="utf-8") as file:
            return file.read().strip() or None
    return None


def save(last_id):
    if STATE:
        with open(STATE + ".new", "w", encoding="utf-8") as file:
            file.write(last_id)
        os.replace(STATE + ".new", STATE)


def main():
    last_id, pause = load(), 2
    while True:
        headers = {"authorization": f"Bearer {SESSION}", "accept": "text/event-stream"}
        if last_id:
            headers["last-event-id"] = last_id
        try:
            request = urllib.request.Request(f"{URL}/v1/stream", headers=headers)
            with urllib.request.urlopen(request, timeout=SILENCE_SECONDS) as response:
                for event, new_id, data, retry in messages(response):
                    pause = retry or pause
                    if event == "message":
                        print(data, flush=True)
                    elif event in ("ready", "resync", "session:invalid"):
                        print(json.dumps({"event": event}), flush=True)
                    # After the event was handled, so that none is lost when the program ends.
                    if new_id and new_id != last_id:
                        last_id = new_id
                        save(last_id)
        except urllib.error.HTTPError as error:
            # 401 and 403: ask your back end for another session. Others do not go away either.
            sys.exit(f"refused: {error.code} {error.read().decode('utf-8', 'replace')}")
        except OSError:
            pass  # The connection broke.
        time.sleep(pause)


try:
    main()
except KeyboardInterrupt:
    pass
