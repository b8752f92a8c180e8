/** Engine.IO and Socket.IO packets that are nearly right, and some that are. */

import type { Dice } from "./_fuzz.ts";
import { spoiledBytes } from "./_bodies.ts";

/** What a socket sends: a text frame or a binary one. */
type Frame = string | Uint8Array<ArrayBuffer>;

const PACKETS = [
  ...["40", "40{}", '40{"token":"x"}', "40/admin,", "40/__proto__,{}", "41", "41/x,", "44", "45"],
  ...['42["x"]', '421["x",{}]', "42[]", '42["__proto__"]', '42["connect"]', '42["disconnecting"]'],
  ...['42{"length":1}', '42/x,1["y"]', '4299999999999999999999["x"]', "43", '431["x"]', "431[]"],
  ...['451-["x",{"_placeholder":true,"num":0}]', '451-["x",{"_placeholder":true,"num":9e9}]'],
  ...['45100000000-["x"]', '450-["x"]', "461-1[]", '459007199254740993-["x"]', "451-"],
  ...['451-["x",{"_placeholder":true,"num":"__proto__"}]', '451-["x",{"_placeholder":true}]'],
  ...[
    "0",
    "0{}",
    "1",
    "2",
    "2probe",
    "3",
    "3probe",
    "4",
    "5",
    "6",
    "7",
    "9",
    "",
    " ",
    "\u0000",
    "b",
  ],
  ...[
    "bAQIDBA==",
    "b4AQIDBA==",
    "b%%%",
    "47",
    "48{}",
    "4\u2028",
    "4\ud800",
    "40{",
    "40null",
    "400",
  ],
  ...['42["x",' + "[".repeat(3000) + "]".repeat(3000) + "]", "42" + "[".repeat(20_000)],
  ...[`42["${"x".repeat(70_000)}"]`, `4${"2".repeat(3000)}`, `40${"/".repeat(3000)},`],
] as const;

const MORE = [
  ...'0123456789,/-[]{}":\\ \u0000\u001e\ud800',
  "🔔",
  "\x1e",
  "__proto__",
  "_placeholder",
];
const encoder = new TextEncoder();

/** One frame of a WebSocket. */
export function frameOf(dice: Dice): Frame {
  if (dice.chance(0.15)) {
    return Uint8Array.from(
      { length: dice.below(dice.chance(0.1) ? 70_000 : 20) },
      () => dice.below(256),
    );
  }
  let text: string = dice.pick(PACKETS);
  for (let n = dice.below(3); n > 0 && dice.chance(0.6); n--) {
    const at = dice.below(text.length + 1);
    text = text.slice(0, at) + dice.pick(MORE) + text.slice(at + dice.below(3));
  }
  return text;
}

/** The body of a post of long-polling, of several packets, framed right or wrong. */
export function payloadOf(revision: 3 | 4, dice: Dice): Uint8Array<ArrayBuffer> {
  const packets = Array.from({ length: 1 + dice.below(4) }, () => {
    const frame = frameOf(dice);
    return typeof frame === "string" ? frame : `b${frame.slice(0, 1000).toBase64()}`;
  });
  const text = revision === 4
    ? packets.join("\x1e")
    : packets.map((packet) => `${lengthOf(packet, dice)}:${packet}`).join("");
  const bytes = encoder.encode(text);
  if (revision === 3 && dice.chance(0.2)) return binaryPayload(packets, dice);
  return dice.chance(0.2) ? spoiledBytes(bytes, dice) : bytes;
}

function lengthOf(packet: string, dice: Dice): number | string {
  if (dice.chance(0.9)) return packet.length;
  return dice.pick([-1, 0, 1, 1e9, "", "x", "0x4", "9".repeat(400), "1e1", " 2"]);
}

/** Revision 3 also has a binary form: kind, digits of the length, 255, and the packet. */
function binaryPayload(packets: readonly string[], dice: Dice): Uint8Array<ArrayBuffer> {
  const parts = packets.flatMap((packet) => {
    const bytes = encoder.encode(packet.slice(0, 5000));
    const digits = [...String(lengthOf(packet.slice(0, 5000), dice))].map((each) =>
      Number(each) || 0
    );
    return [dice.below(3), ...digits.slice(0, 320), dice.chance(0.95) ? 255 : 9, ...bytes];
  });
  return Uint8Array.from(parts);
}
