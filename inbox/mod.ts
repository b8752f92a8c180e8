/** The inboxes of users, over any store. */

export {
  Inbox,
  INBOX_FAMILIES,
  type InboxChange,
  type InboxItem,
  type InboxLimits,
} from "./inbox.ts";
