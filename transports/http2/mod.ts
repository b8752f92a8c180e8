/** A client for HTTP/2 over TLS, made for many small `POST`s to one host. */

export { createHttp2Engine, type Http2EngineOptions } from "./http2_engine.ts";
