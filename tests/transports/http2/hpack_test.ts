/** Header blocks, by the examples of RFC 7541 (appendix C) and by what must be refused. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { HpackDecoder, HpackError } from "../../../transports/http2/hpack_decoder.ts";

function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}

function decoder(maxTableSize = 4096) {
  return new HpackDecoder({ maxTableSize, maxListSize: 64 * 1024 });
}

/** `name: value` lines. */
function lines(list: readonly string[]): string[] {
  return list.flatMap((text, at) => at % 2 === 0 ? [`${text}: ${list[at + 1]}`] : []);
}

const DATES = ["Mon, 21 Oct 2013 20:13:21 GMT", "Mon, 21 Oct 2013 20:13:22 GMT"];
const COOKIE = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

/** The answers of C.5 and C.6; each reveals what an entry evicts from a table of 256 bytes. */
const ANSWERS = [
  [
    ":status: 302",
    "cache-control: private",
    `date: ${DATES[0]}`,
    "location: https://www.example.com",
  ],
  [
    ":status: 307",
    "cache-control: private",
    `date: ${DATES[0]}`,
    "location: https://www.example.com",
  ],
  [
    ":status: 200",
    "cache-control: private",
    `date: ${DATES[1]}`,
    "location: https://www.example.com",
    "content-encoding: gzip",
    `set-cookie: ${COOKIE}`,
  ],
];

const PLAIN = [
  `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133
   3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
  "4803 3330 37c1 c0bf",
  `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a
   6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d
   6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
];

const HUFFMAN = [
  `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d
   29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
  "4883 640e ffc1 c0bf",
  `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d
   d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106
   3d50 07`,
];

for (const [name, blocks] of [["plain", PLAIN], ["Huffman-coded", HUFFMAN]] as const) {
  Deno.test(`decode() reads the ${name} answers of RFC 7541, appendix C`, () => {
    const hpack = decoder(256);
    blocks.forEach((block, at) => assert.deepEqual(lines(hpack.decode(hex(block))), ANSWERS[at]));
  });
}

Deno.test("decode() reads the requests of RFC 7541, C.4, by one table", () => {
  const hpack = decoder();
  const common = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
  assert.deepEqual(lines(hpack.decode(hex("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"))), common);
  assert.deepEqual(lines(hpack.decode(hex("8286 84be 5886 a8eb 1064 9cbf"))), [
    ...common,
    "cache-control: no-cache",
  ]);
});

Deno.test("decode() evicts what does not fit into a smaller table", () => {
  const hpack = decoder();
  hpack.decode(hex("4001 6101 62"));
  assert.deepEqual(lines(hpack.decode(hex("be"))), ["a: b"]);
  // A size of 0 and back: the entry is gone.
  assert.throws(() => hpack.decode(hex("20 3f e1 1f be")), HpackError);
});

const REFUSED: Readonly<Record<string, string>> = {
  "an index of 0": "80",
  "an index beyond both tables": "ff ff 01",
  "a number that never ends": "ff ff ff ff ff ff ff ff",
  "a number that breaks off": "ff",
  "a text that is longer than the block": "00 05 61",
  "a name without a value": "00 01 61",
  "a table that is larger than allowed": "3f e2 1f",
  "a table size amid the headers": "88 20",
  "Huffman padding that is not all ones": "00 01 61 81 18",
  "Huffman padding of a whole byte": "00 01 61 82 1f ff",
  "the end mark within a Huffman text": "00 01 61 84 ff ff ff fc",
};

for (const [what, block] of Object.entries(REFUSED)) {
  Deno.test(`decode() refuses ${what}`, () => {
    assert.throws(() => decoder().decode(hex(block)), HpackError);
  });
}

Deno.test("decode() refuses headers that a few bytes expand beyond the limit", () => {
  const hpack = decoder();
  // A literal of 4,000 bytes that goes into the table, then its index twenty times.
  hpack.decode(Uint8Array.from([...hex("4001 617f a11e"), ...new Uint8Array(4000).fill(120)]));
  assert.throws(() => hpack.decode(new Uint8Array(20).fill(0xbe)), /too long/);
});

Deno.test("decode() ends for any bytes, with headers or an HpackError", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (blocks) => {
      const hpack = decoder();
      try {
        for (const block of blocks) assert.equal(hpack.decode(block).length % 2, 0);
      } catch (error) {
        assert.ok(error instanceof HpackError, String(error));
      }
    }),
    { numRuns: 5000 },
  );
});
