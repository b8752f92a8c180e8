/** What a first start tells the newcomer: the key, once, and two lines to paste. */

/** The text, for a terminal. */
export function greeting({ address, key }: { readonly address: string; readonly key: string }) {
  const url = address === "http://localhost:8080" ? "" : `CARILLON_URL=${address} `;
  const variables = `${url}CARILLON_KEY=${key}`;
  return `
Carillon is listening at ${address}

This first start made an admin key. It is shown once; only its hash is kept:

  ${key}

See a notification arrive. In a second terminal, listen as a user's browser tab would:

  ${variables} npx -y deno@2.9.6 task listen

and in a third one, publish "new mail" to that user:

  ${variables} npx -y deno@2.9.6 task publish

or with curl:

  curl ${address}/v1/notifications -H 'authorization: Bearer ${key}' \\
    -H 'content-type: application/json' \\
    -d '{"context":"1","user":"3","topic":"ox:mail:new","data":{"folder":"default0/INBOX","id":"113","email":"jane.doe@foobar.com","displayname":"Jane Doe","subject":"Let us meet","unread":83,"teaser":"Hello"}}'

The API is at ${address}/docs
`;
}
