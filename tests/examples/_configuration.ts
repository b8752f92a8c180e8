/** `examples/conf` with the simulator's credentials in the place of a reader's own. */

import { parse, stringify } from "yaml";
import { serviceAccount, type Simulator } from "../../simulator/mod.ts";
import { EXAMPLES } from "./_run.ts";

const CONF = new URL("conf/", EXAMPLES);

type Clients = Record<string, Record<string, unknown>>;

/** The files by name. The keys of a client stay the example's; only their values are replaced. */
export async function exampleConfiguration(
  { addresses, material }: Simulator,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(CONF)) {
    files[name] = await Deno.readTextFile(new URL(name, CONF));
  }
  const { apns, fcm, wns, vapid, authority } = material;
  const cafile = "ca.pem";

  function replace(
    file: string,
    { values, added }: { values: object; added: object },
  ): void {
    const clients = parse(files[file]!) as Clients;
    for (const options of Object.values(clients)) {
      for (const [key, value] of Object.entries(values)) {
        if (!(key in options)) throw new Error(`${file} has no ${key}`);
        options[key] = value;
      }
      Object.assign(options, added, { cafile });
    }
    files[file] = stringify(clients);
  }

  const privateKeyFile = (parse(files["pns-apns-options.yml"]!) as Clients)
    .myiosclient!.privatekey as string;
  const accountFile = (parse(files["pns-gcm-options.yml"]!) as Clients)
    .mygoogleclient!.serviceaccount as string;
  replace("pns-apns-options.yml", {
    values: { keyid: apns.keyId, teamid: apns.teamId, topic: apns.bundleId },
    added: { address: addresses.apns },
  });
  replace("pns-gcm-options.yml", {
    values: {},
    added: { address: addresses.fcm, tokenaddress: addresses.googleToken },
  });
  replace("pns-wns-options.yml", {
    values: { tenant: wns.tenant, appid: wns.appId, secret: wns.appSecret },
    added: {
      tokenaddress: addresses.entraToken,
      hosts: [new URL(addresses.wns).host],
    },
  });
  replace("pns-webpush-options.yml", {
    values: { publickey: vapid.publicKey, privatekey: vapid.privateKey },
    added: { hosts: [new URL(addresses.webpush).host] },
  });
  return {
    ...files,
    [cafile]: authority.certificate,
    [privateKeyFile]: apns.privateKey,
    [accountFile]: serviceAccount(fcm, addresses.googleToken),
  };
}
