/** A rendered message as operators see it: what a transport would send, without sending it. */

/** What a transport would send, or why it would not. */
export type MessagePreview =
  | {
    readonly kind: "rendered";
    /** The body of the request, without the address; for Web Push as it is before encryption. */
    readonly body: string;
    /** Bytes of the body with the address. */
    readonly bytes: number;
    /** Bytes of the largest body. */
    readonly maxBytes: number;
    /** What was shortened or dropped to fit, one sentence for each part. */
    readonly shortened: readonly string[];
  }
  | { readonly kind: "rejected"; readonly reason: string };
