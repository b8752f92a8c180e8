/**
 * Tokens that a credential is good for, made once for all nodes: providers count and limit how
 * often one is made. The port; a node that is alone just makes its own.
 */

/** A token as it was made. Times are epoch milliseconds. */
export interface SharedToken {
  readonly value: string;
  readonly madeAt: number;
  readonly expiresAt: number;
}

/** The port. */
export interface SharedTokens {
  /**
   * The token of this name that some node has made, or a new one from `make`, which then is what
   * other nodes get; of several nodes that find none, one makes it. Where the others cannot be
   * reached, this node makes its own. What `make` throws or answers with `undefined` is passed on.
   *
   * @param name says what it is for; not secret
   * @param options.secret what only holders of the credential know: others cannot read the token
   * @param options.usable whether a token that was found may still be used
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

/** Of a node that is alone. */
export const OWN_TOKENS: SharedTokens = { get: (_name, { make }) => make() };
