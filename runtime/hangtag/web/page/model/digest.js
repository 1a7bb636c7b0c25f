/** The SHA-256 (FIPS 180-4) of bytes, also where the page is in no secure context and has no crypto.subtle. */

/**
 * Returns the digest of bytes as 64 lower-case hexadecimal digits.
 *
 * @param {Uint8Array} bytes
 * @returns {Promise<string>}
 */
export async function sha256Hex(bytes) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return ownSha256Hex(bytes);
  const digest = await subtle.digest("SHA-256", /** @type {Uint8Array<ArrayBuffer>} */ (bytes));
  return hex(new DataView(digest));
}

/**
 * Returns the same without any help of the browser's.
 *
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function ownSha256Hex(bytes) {
  const state = Int32Array.from(INITIAL_STATE);
  const words = new Int32Array(64);
  const whole = bytes.length - (bytes.length % 64);
  digestBlocks(bytes, whole, state, words);
  const tail = paddedTail(bytes, whole);
  digestBlocks(tail, tail.length, state, words);
  const view = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => view.setInt32(4 * at, word));
  return hex(view);
}

/** @param {DataView} digest */
function hex(digest) {
  let text = "";
  for (let at = 0; at < 32; at++) text += digest.getUint8(at).toString(16).padStart(2, "0");
  return text;
}

/**
 * Returns the last blocks: what is left, a one bit, zeros, and the length in bits.
 *
 * @param {Uint8Array} bytes
 * @param {number} start
 */
function paddedTail(bytes, start) {
  const left = bytes.length - start;
  const tail = new Uint8Array(left < 56 ? 64 : 128);
  tail.set(bytes.subarray(start));
  tail[left] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(tail.length - 4, (bytes.length % 2 ** 29) * 8);
  return tail;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} end a multiple of 64
 * @param {Int32Array} state changed in place
 * @param {Int32Array} words scratch
 */
function digestBlocks(bytes, end, state, words) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = 0; start < end; start += 64) {
    for (let t = 0; t < 16; t++) words[t] = view.getInt32(start + 4 * t);
    for (let t = 16; t < 64; t++) {
      const early = turned(words[t - 15], 7) ^ turned(words[t - 15], 18) ^ (words[t - 15] >>> 3);
      const late = turned(words[t - 2], 17) ^ turned(words[t - 2], 19) ^ (words[t - 2] >>> 10);
      words[t] = words[t - 16] + early + words[t - 7] + late;
    }
    digestBlock(words, state);
  }
}

/**
 * @param {Int32Array} words
 * @param {Int32Array} state
 */
function digestBlock(words, state) {
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const first = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + ROUND_CONSTANTS[t] + words[t]) | 0;
    const second = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + majority;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  const sums = [a, b, c, d, e, f, g, h];
  for (let at = 0; at < 8; at++) state[at] += sums[at];
}

/**
 * @param {number} word
 * @param {number} bits
 */
function turned(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 bits of the fractions of the square roots of the first 8 primes. */
const INITIAL_STATE = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/** The first 32 bits of the fractions of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);
