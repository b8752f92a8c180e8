/** The metrics of what a publisher may ask beyond delivery. */

/** See `METRICS`, which they are a part of. */
export const PUBLISHING_METRICS = {
  carillon_receipts_total: {
    type: "counter",
    help: "Reports of clients about notifications, the first of each kind and client",
    labels: ["kind"],
  },
  carillon_fanout_users_total: {
    type: "counter",
    help: "Users that notifications to many users were accepted for",
  },
} as const;
