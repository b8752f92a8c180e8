# The service in one image. Configuration is mounted at /app/conf, data is kept at /app/data.
FROM denoland/deno:2.9.6

WORKDIR /app
COPY . .
RUN mkdir -p data && chown deno:deno data

USER deno
# Fetches everything now, so that a start needs no registry.
RUN deno install --frozen --entrypoint main.ts cli/main.ts

VOLUME ["/app/data"]
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["deno", "eval", "const r = await fetch('http://localhost:8080/livez'); if (!r.ok) Deno.exit(1)"]
# A stop ends within 25 seconds.
STOPSIGNAL SIGTERM
CMD ["deno", "task", "start"]
