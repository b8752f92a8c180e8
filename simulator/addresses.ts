/** The addresses of the fakes: which servers there are and what each one serves. Pure. */

/** The servers of a simulator. */
export const SERVERS = ["api", "apns", "google", "wns", "webpush"] as const;
/** The name of a server. */
export type ServerName = typeof SERVERS[number];

/** The address of each provider; bases without a slash at the end, endpoints in full. */
export interface SimulatorAddresses {
  /** Page and API, plain HTTP. */
  readonly api: string;
  readonly apns: string;
  /** FCM HTTP v1. */
  readonly fcm: string;
  readonly googleToken: string;
  /** The legacy format. */
  readonly gcm: string;
  /** The base of the channels. */
  readonly wns: string;
  readonly wnsToken: string;
  readonly entraToken: string;
  readonly webpush: string;
}

/** Derives all addresses from the servers' origins. */
export function addressesOf(
  originOf: (name: ServerName) => string,
  tenant: string,
): SimulatorAddresses {
  const [google, wns] = [originOf("google"), originOf("wns")];
  return {
    api: originOf("api"),
    apns: originOf("apns"),
    fcm: google,
    googleToken: `${google}/token`,
    gcm: `${google}/fcm/send`,
    wns,
    wnsToken: `${wns}/accesstoken.srf`,
    entraToken: `${wns}/${tenant}/oauth2/v2.0/token`,
    webpush: originOf("webpush"),
  };
}
