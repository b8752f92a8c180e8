#!/usr/bin/env python3
"""Publishes "new mail" to a user with Python's standard library, and prints what became of it.

    CARILLON_KEY=car_… python3 examples/publish/publish.py [user] [context]

The key needs the scope "publish", and "read" for the second request.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

URL = os.environ.get("CARILLON_URL", "http://localhost:8080")
KEY = os.environ.get("CARILLON_KEY", "")


def call(path, body=None):
    """Calls the API: POST where there is a body. Ends with what it answers where it refuses."""
    request = urllib.request.Request(
        URL + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": "Bearer " + KEY, "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit("Not accepted: %s %s" % (error.code, error.read().decode()))


def main(user="3", context="1"):
    answer = call("/v1/notifications", {
        "context": context,
        "user": user,
        "topic": "ox:mail:new",
        "data": {"folder": "default0/INBOX", "id": "113", "subject": "Let us meet"},
    })
    identifier = answer["ids"][0]
    print("accepted as", identifier)

    # 202 means that the notification is stored. Delivery follows, after the delay for similar ones.
    while True:
        record = call("/v1/notifications/" + identifier)
        if record["state"] != "in_flight":
            break
        time.sleep(0.25)
    print(json.dumps(record))


if __name__ == "__main__":
    main(*sys.argv[1:3])
