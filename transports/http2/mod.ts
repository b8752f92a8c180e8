/** An HTTP/2 client over TLS for many small `POST`s to one host. */

export { createHttp2Engine } from "./http2_engine.ts";
