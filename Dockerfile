# The service in one image. Configuration is mounted at /app/conf, data is kept at /app/data.
FROM denoland/deno:2.9.6

WORKDIR /app
COPY deno.json deno.lock ./
COPY . .
# Fetches and compiles everything now, so that a start needs no registry.
RUN deno install --frozen --entrypoint main.ts && mkdir -p data && chown deno:deno data

USER deno
VOLUME ["/app/data"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["deno", "eval", "const r = await fetch('http://localhost:8080/livez'); if (!r.ok) Deno.exit(1)"]
# Stops within the time of one attempt at a provider and a little more.
STOPSIGNAL SIGTERM
CMD ["deno", "task", "start"]
