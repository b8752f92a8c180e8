/** Examples of the routes beside a publish: taking back, receipts, groups and events. */

const ID = "0190163d-8694-739b-aea5-966c26f8ad90";
const AT = "2026-11-23T12:00:00.000Z";
const CANCELLED = {
  id: ID,
  context: "1",
  user: "3",
  topic: "ox:mail:new",
  acceptedAt: AT,
  state: "cancelled",
  targets: [],
};
const MEMBERS = { members: { users: ["3", "4"] } };

/** Examples by method and path. */
export const PUBLISHING_EXAMPLES = {
  "DELETE /v1/notifications/{id}": {
    operationId: "cancelNotification",
    answers: { 200: CANCELLED },
  },
  "POST /v1/notifications/{id}/dismiss": {
    operationId: "dismissNotification",
    answers: { 202: { id: ID, cancelled: 0 } },
  },
  "GET /v1/notifications/{id}/users": {
    operationId: "listNotificationUsers",
    answers: { 200: { items: [{ ...CANCELLED, state: "delivered", fanout: ID }], next: 1 } },
  },
  "GET /v1/notifications/{id}/merged": {
    operationId: "listMergedNotifications",
    answers: {
      200: {
        items: [{
          ...{ ...CANCELLED, state: "suppressed", reason: "merged", mergedInto: ID },
          id: "0190163d-8694-739b-aea5-966c26f8ad8f",
        }],
      },
    },
  },
  "POST /v1/receipts": {
    operationId: "reportReceipt",
    request: { shown: { id: ID, token: "q3vVJkq1m9mQp0xkV3u7Bg", kind: "shown" } },
  },
  "POST /v1/stream/acknowledge": {
    operationId: "acknowledgeEvent",
    request: { seen: { offset: "1839148079439872", kind: "seen" } },
  },
  "GET /v1/events": {
    operationId: "listEvents",
    answers: {
      200: {
        items: [{
          id: ID,
          type: "notification.clicked",
          timestamp: AT,
          data: { notification: ID, context: "1", user: "3" },
        }],
        next: ID,
      },
    },
  },
  "GET /v1/groups/{context}": {
    operationId: "listGroups",
    answers: { 200: { groups: ["sales"] } },
  },
  "GET /v1/groups/{context}/{group}/members": {
    operationId: "listMembers",
    answers: { 200: { users: ["3", "4"], next: "4" } },
  },
  "POST /v1/groups/{context}/{group}/members": { operationId: "addMembers", request: MEMBERS },
  "DELETE /v1/groups/{context}/{group}/members": {
    operationId: "removeMembers",
    request: MEMBERS,
  },
  "DELETE /v1/groups/{context}/{group}": { operationId: "deleteGroup" },
} as const;
