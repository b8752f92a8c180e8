/** A client of the console without a browser, for tests of its rules. */

import assert from "node:assert/strict";
import type { TestService } from "../support/start_service.ts";

/** A form's fields. */
type Form = Readonly<Record<string, string>>;

/** Somebody who is signed in. */
export class SignedIn {
  constructor(
    readonly address: string,
    readonly cookie: string,
    readonly csrf: string,
  ) {}

  /** Signs in with a key, which must succeed. */
  static async with(service: TestService, key: string): Promise<SignedIn> {
    const response = await postForm(`${service.address}/console/sign-in`, { key });
    await response.body?.cancel();
    assert.equal(response.status, 303);
    const [cookie] = response.headers.get("set-cookie")!.split(";");
    const page = await fetch(`${service.address}/console/why`, { headers: { cookie: cookie! } });
    const csrf = /data-csrf="([^"]+)"/.exec(await page.text())![1]!;
    return new SignedIn(service.address, cookie!, csrf);
  }

  /** Loads a page. */
  async page(path: string): Promise<{ readonly status: number; readonly html: string }> {
    const response = await fetch(`${this.address}${path}`, {
      headers: { cookie: this.cookie },
      redirect: "manual",
    });
    return { status: response.status, html: await response.text() };
  }

  /** Sends a form of a page. */
  async send(path: string, form: Form = {}, headers: Form = {}) {
    const response = await postForm(
      `${this.address}${path}`,
      { csrf: this.csrf, ...form },
      { cookie: this.cookie, ...headers },
    );
    return { status: response.status, html: await response.text(), headers: response.headers };
  }
}

/** Sends a form as a browser does, and does not follow the answer. */
export function postForm(url: string, form: Form, headers: Form = {}): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers,
    body: new URLSearchParams(form),
    redirect: "manual",
  });
}
