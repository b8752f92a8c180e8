#!/usr/bin/env python3
"""Runs `carillon_views.py` alone, to try it: everybody is user 3. Needs Django 5 or 4.2.

    pip install 'django<6'
    CARILLON_KEY=car_... python3 server.py [port]
"""

import os
import sys
from types import SimpleNamespace

import django
from django.conf import settings
from django.core.servers.basehttp import WSGIServer
from django.core.wsgi import get_wsgi_application
from django.urls import path
from wsgiref.simple_server import WSGIRequestHandler


def try_out_login(get_response):
    """Stands for Django's AuthenticationMiddleware."""

    def middleware(request):
        request.user = SimpleNamespace(is_authenticated=True, pk=3)
        return get_response(request)

    return middleware


settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for trying out",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    MIDDLEWARE=[__name__ + ".try_out_login"],
    CARILLON_URL=os.environ.get("CARILLON_URL", "http://localhost:8080"),
    CARILLON_KEY=os.environ.get("CARILLON_KEY", ""),
)
sys.modules.setdefault("server", sys.modules[__name__])
django.setup()

import carillon_views  # noqa: E402 -- after the settings, which it reads

urlpatterns = [
    path("session", carillon_views.session),
    path("subscription", carillon_views.subscription),
]

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    server = WSGIServer(("127.0.0.1", port), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    print(f"listening at http://localhost:{server.server_port}", flush=True)
    server.serve_forever()
