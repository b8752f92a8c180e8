"""Views for Django that give a page what it needs: a session token for the user who is logged in,
and a place for the browser's Web Push subscription.

    # urls.py
    from django.urls import path
    from . import carillon_views

    urlpatterns = [
        path("session", carillon_views.session),
        path("subscription", carillon_views.subscription),
    ]

    # settings.py
    CARILLON_URL = "https://push.example.com"
    CARILLON_KEY = os.environ["CARILLON_KEY"]  # needs the scope "subscribe"

Django's own middleware checks the login and the CSRF token: pages send the header X-CSRFToken.
"""

import json
import urllib.error
import urllib.request

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

SESSION_SECONDS = 3600


def carillon_user(user):
    """REPLACE THIS where contexts are tenants of yours. Ids are texts."""
    return {"context": "1", "user": str(user.pk)}


def call_carillon(path, body):
    """Calls Carillon with the API key, which never leaves the server."""
    request = urllib.request.Request(
        settings.CARILLON_URL + path,
        data=json.dumps(body).encode(),
        headers={
            "authorization": "Bearer " + settings.CARILLON_KEY,
            "content-type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def answer(request, respond):
    """Answers a request of a user who is logged in; 502 where Carillon refuses."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    try:
        return JsonResponse(respond(carillon_user(request.user)))
    except (urllib.error.URLError, TimeoutError):
        return HttpResponse(status=502)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return HttpResponse(status=400)


@require_POST
@never_cache
def session(request):
    def respond(user):
        minted = call_carillon("/v1/sessions", {**user, "ttl": SESSION_SECONDS})
        return {
            "url": settings.CARILLON_URL,
            "token": minted["token"],
            "expires": minted["expires"],
        }

    return answer(request, respond)


@require_POST
def subscription(request):
    def respond(user):
        body = json.loads(request.body)
        stored = call_carillon("/v1/subscriptions", {
            "client": body["client"],
            "token": body["token"],
            "topics": body["topics"],
            "transport": "webpush",
            # Named last, so that a page cannot subscribe somebody else.
            **user,
        })
        return {"id": stored["id"], "warnings": stored.get("warnings", [])}

    return answer(request, respond)
