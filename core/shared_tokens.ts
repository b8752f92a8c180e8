/**
 * The port for provider tokens that all nodes share. Providers limit how often a token may be created
 * from a credential, so one node creates it for all. A single node creates its own.
 */

/** A provider token. Times are epoch milliseconds. */
export interface SharedToken {
  readonly value: string;
  readonly madeAt: number;
  readonly expiresAt: number;
}

/** Shares provider tokens between nodes. */
export interface SharedTokens {
  /**
   * Returns the shared token of this name, or creates one with `make` and shares it. Of several nodes
   * that find none, one creates it. A node that cannot reach the others creates its own. An error or
   * `undefined` of `make` is passed on.
   *
   * @param name identifies the token; not secret
   * @param options.secret known to holders of the credential only; it encrypts the token
   * @param options.usable whether a shared token may still be used
   */
  get(
    name: string,
    options: {
      readonly secret: string;
      readonly usable: (token: SharedToken) => boolean;
      readonly make: () => Promise<SharedToken | undefined>;
    },
  ): Promise<SharedToken | undefined>;
}

/** The tokens of a single node: nothing is shared. */
export const OWN_TOKENS: SharedTokens = { get: (_name, { make }) => make() };
