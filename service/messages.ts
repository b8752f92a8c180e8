/** Message generation with the templates of `pns-messages.yml` and each user's own settings. */

import { type Cascade, placeOf, type View } from "../cascade/mod.ts";
import type { Log } from "../core/log.ts";
import type { Message } from "../core/message.ts";
import type { Notification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";
import { compileTemplates, createMessageGenerator, NO_TEMPLATES } from "../messages/mod.ts";

const FILE = "pns-messages.yml";
const FACADE = "com.openexchange.pns.mobile.api.facade.apn";

/** Messages, and the way to read their templates anew. */
export interface Messages {
  generate(notification: Notification, target: Target): Message | Promise<Message>;
  /** Bad templates are logged and left out. */
  reload(): void;
}

/** See the file's comment. */
export function createMessages(
  { cascade, log }: { readonly cascade: Cascade; readonly log: Log },
): Messages {
  let templates = NO_TEMPLATES;
  const generator = createMessageGenerator({ templates: () => templates });

  function reload(): void {
    const compiled = compileTemplates(FILE, cascade.current().file(FILE) ?? "");
    for (const fault of compiled.faults) log.error(fault.message, { place: placeOf(fault) });
    templates = compiled.templates;
  }

  function generateFor(notification: Notification, target: Target, view: View): Message {
    return generator.generate(notification, target, {
      badge: view.get(`${FACADE}.badge.enabled`),
      sound: view.get(`${FACADE}.sound.enabled`),
      soundName: view.get(`${FACADE}.sound.filename`),
    });
  }

  reload();
  return {
    reload,
    generate(notification, target) {
      // These properties of the original speak of Apple's devices only.
      if (target.transport !== "apn") return generator.generate(notification, target);
      const view = cascade.current().view(target.context, target.user);
      return view instanceof Promise
        ? view.then((view) => generateFor(notification, target, view))
        : generateFor(notification, target, view);
    },
  };
}
