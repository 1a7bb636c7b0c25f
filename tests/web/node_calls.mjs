// Answers calls of the phone page's modules: a line of JSON and bytes come in, a line of JSON goes out.
//
//   node node_calls.mjs FOLDER_OF_MODULES

import { readSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = pathToFileURL(`${process.argv[2]}/`);
const load = (name) => import(new URL(name, folder));

const { readModel } = await load("model/contract.js");
const { parseContract } = await load("model/contract_json.js");
const { ownSha256Hex, sha256Hex } = await load("model/digest.js");
const { verifyGolden } = await load("model/golden.js");
const { readArchive } = await load("model/zip.js");
const { sourceRectangle, targetRectangle } = await load("pixels/geometry.js");
const { Preprocessor, prepare } = await load("pixels/preprocess.js");
const { Decider, HOLD_S, SMOOTHING_S } = await load("scores/decider.js");
const { rank, toScores } = await load("scores/scores.js");

const ARRAYS = { float32: Float32Array, int16: Int16Array, int8: Int8Array, uint8: Uint8Array };

const packed = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");

/** What a call returns for the bytes and the arguments that came with it. */
const CALLS = {
  // Every picture of `sizes` ([width, height]) lies in the bytes, one behind the other.
  prepare(bytes, { spec, sizes, offset = 0 }) {
    const preprocessor = new Preprocessor(spec);
    let start = 0;
    return sizes.map(([width, height]) => {
      const rgba = new Uint8ClampedArray(4 * width * height + offset).subarray(offset);
      rgba.set(bytes.subarray(start, (start += 4 * width * height)));
      return packed(preprocessor.prepare(rgba, width, height));
    });
  },

  prepareOnce: (bytes, { spec, width, height }) => prepare(bytes, width, height, spec).constructor.name,

  // Milliseconds of each call, the first ones, in which the engine learns the code, included.
  timePrepare(bytes, { spec, width, height, times }) {
    const preprocessor = new Preprocessor(spec);
    return Array.from({ length: times }, () => {
      const begun = performance.now();
      preprocessor.prepare(bytes, width, height);
      return performance.now() - begun;
    });
  },

  rectangles: (_, { spec, sizes }) =>
    sizes.map(([width, height]) => [sourceRectangle(width, height, spec), targetRectangle(width, height, spec)]),

  archive(bytes) {
    const { start, files } = readArchive(bytes);
    return { start, files: [...files].map(([name, content]) => [name, packed(content)]) };
  },

  contract: (bytes) => parseContract(bytes),

  // Whether something that was read could be changed, or changed what every object has.
  leftBehind(bytes) {
    const contract = parseContract(bytes);
    const frozen = [contract, ...Object.values(contract).filter((value) => typeof value === "object" && value)];
    return {
      frozen: frozen.every(Object.isFrozen),
      polluted: Object.keys(Object.prototype).length > 0 || {}.polluted !== undefined,
      metrics: Object.entries(contract.provenance.metrics),
      prototype: Object.getPrototypeOf(contract.provenance.metrics),
    };
  },

  async model(bytes) {
    const { contract, labels, golden, flatbuffer } = await readModel(bytes);
    const cases = golden?.cases.map(({ name, png, tensorSha256, scores }) => ({
      name, png: packed(png), tensorSha256, scores: [...scores],
    }));
    return { contract, labels, tolerance: golden?.tolerance ?? null, cases: cases ?? null, start: flatbuffer.length };
  },

  // `frames` are the golden frames as something else decoded them; `rows` what the model computes, in turn.
  async verify(bytes, { frames, rows }) {
    const { contract, golden } = await readModel(bytes);
    const preprocessor = new Preprocessor(contract.input);
    const [images, scores] = [frames.values(), rows.values()];
    return verifyGolden(golden, {
      decode: async () => {
        const { rgba, width, height } = images.next().value;
        return { data: new Uint8Array(Buffer.from(rgba, "base64")), width, height };
      },
      prepare: ({ data, width, height }) => preprocessor.prepare(data, width, height),
      run: async () => scores.next().value.map((score) => score ?? NaN),
    });
  },

  digests: async (bytes) => [await sha256Hex(bytes), ownSha256Hex(bytes)],

  async digestWithoutHelp(bytes) {
    const { crypto } = globalThis;
    Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
    try {
      return await sha256Hex(bytes);
    } finally {
      Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
    }
  },

  scores(bytes, { spec }) {
    const output = new ARRAYS[spec.tensor.dtype](new Uint8Array(bytes).buffer);
    return [...toScores(output, spec)];
  },

  rank: (_, { scores, contract, top }) => rank(scores, contract, top),

  decide(_, { contract, options, frames }) {
    const decider = new Decider(contract, options);
    return frames.map(({ scores, time_s, reset }) => {
      if (reset) decider.reset();
      return decider.decide(scores, time_s);
    });
  },

  defaults: () => [SMOOTHING_S, HOLD_S],
};

const unread = [];
let held = Buffer.alloc(0);

/** Returns true when at least `count` bytes are held, false where the input ends. */
function fill(count) {
  const chunk = Buffer.alloc(1 << 16);
  while (held.length + unread.reduce((sum, part) => sum + part.length, 0) < count) {
    const got = readSync(0, chunk);
    if (got === 0) return false;
    unread.push(Buffer.from(chunk.subarray(0, got)));
  }
  held = Buffer.concat([held, ...unread.splice(0)]);
  return true;
}

function take(count) {
  const taken = held.subarray(0, count);
  held = held.subarray(count);
  return new Uint8Array(taken);
}

function takeLine() {
  while (!held.includes(10)) if (!fill(held.length + 1)) return null;
  const line = held.subarray(0, held.indexOf(10)).toString();
  held = held.subarray(held.indexOf(10) + 1);
  return line;
}

async function answer(call, bytes, given) {
  try {
    return { value: (await CALLS[call](bytes, given)) ?? null };
  } catch (error) {
    return { thrown: { kind: error.name, message: error.message } };
  }
}

function say(object) {
  const line = Buffer.from(`${JSON.stringify(object)}\n`);
  for (let at = 0; at < line.length; ) at += writeSync(1, line, at);
}

say({ version: process.version });
for (let line = takeLine(); line !== null; line = takeLine()) {
  const { call, bytes, arguments: given } = JSON.parse(line);
  fill(bytes);
  say(await answer(call, take(bytes), given));
}
