// Names what is in a picture, in the browser: the module for pages of your own.
//
//   import { Classifier } from "./classifier.js";
//   const classifier = await Classifier.load("models/clothing.tflite");
//   const { label, score } = await classifier.classify(imageBitmap);
//
// or, with the model of the folder that this file lies in:
//
//   import { classify } from "./classifier.js";
//   const { label, score } = await classify(imageBitmap);

import { gpuAdapter } from "./engine/devices.js";
import { EngineError, open } from "./engine/litert.js";
import { ModelError, readModel } from "./model/contract.js";
import { verifyGolden } from "./model/golden.js";
import { Preprocessor } from "./pixels/preprocess.js";
import { PixelReader, decoded } from "./pixels/reader.js";
import { rank, toScores } from "./scores/scores.js";

export { EngineError, ModelError, decoded, gpuAdapter };

const DEFAULT_TOP = 3;

/** One model, ready to name what is in a picture. Calls take turns. */
export class Classifier {
  #engine;
  #preprocessor;
  #reader = new PixelReader();
  #golden;
  #top;
  #turns = Promise.resolve();

  /**
   * Read and check a self-describing .tflite, and open it.
   *
   * @param {string|URL|Uint8Array} model where it is, or its bytes
   * @param {object} [options]
   * @param {"cpu"|"gpu"} [options.device] "cpu"; what cannot be had is an error, never the other one
   * @param {number} [options.threads] of the CPU; by default up to 4 where the page is cross-origin isolated, else 1
   * @param {"fp32"|"fp16"} [options.precision] of the GPU: "fp32", as on the CPU; "fp16" is faster and off by hundredths
   * @param {string} [options.wasm] the folder of LiteRT.js's wasm files; by default vendor/litertjs/wasm/ beside this file
   * @param {boolean} [options.verify] run the golden cases inside the model, see `verification`; true
   * @param {number} [options.top] how many labels a result lists; 3
   * @param {(stage: "model"|"engine"|"check") => void} [options.onStage] is told what begins
   * @returns {Promise<Classifier>}
   * @throws {ModelError} the file cannot be had, is damaged or carries no contract
   * @throws {EngineError} this browser cannot run it as asked
   */
  static async load(model, { device, threads, precision, wasm, verify = true, top = DEFAULT_TOP, onStage } = {}) {
    onStage?.("model");
    const read = await readModel(model instanceof Uint8Array ? model : await fetched(model));
    onStage?.("engine");
    const dtypes = [read.contract.input.tensor.dtype, read.contract.output.tensor.dtype];
    const engine = await open(read.flatbuffer, { device, threads, precision, wasm, dtypes });
    try {
      const classifier = new Classifier(read, engine, top);
      if (verify) {
        onStage?.("check");
        classifier.verification = await classifier.verify();
      }
      return classifier;
    } catch (error) {
      engine.delete();
      throw error;
    }
  }

  /** Use {@link Classifier.load}. */
  constructor(read, engine, top) {
    this.contract = read.contract;
    /** `{ passed, cases: [{ name, sameTensor, worstDifference, tolerance, passed }] }`, or null where not asked for. */
    this.verification = null;
    this.#engine = engine;
    this.#golden = read.golden;
    this.#top = top;
    this.#preprocessor = new Preprocessor(read.contract.input);
  }

  /** What runs the model: `{ kind: "cpu", threads, build }` or `{ kind: "gpu", adapter, isSoftware, build, precision }`. */
  get device() {
    return this.#engine.device;
  }

  /**
   * Name what is in a picture.
   *
   * @param {ImageBitmap|VideoFrame|HTMLVideoElement|HTMLImageElement|HTMLCanvasElement|OffscreenCanvas|ImageData} source
   * @param {object} [options] `top`: how many labels to list
   * @returns {Promise<object>} `label`, `score` (0 to 1), `unknown`, `top` ([[label, score], …], best first), `scores`
   *   (Float64Array in the order of the contract's labels) and `timings` in milliseconds: `pixels_ms` to read the
   *   source, `prepare_ms` to the input tensor, `run_ms` to the output, `total_ms`
   */
  classify(source, { top = this.#top } = {}) {
    return this.#inTurn(async () => {
      const { scores, timings } = await this.#timedScores(source);
      const begun = performance.now();
      const ranked = rank(scores, this.contract, top);
      timings.total_ms += performance.now() - begun;
      return { ...ranked, scores, timings };
    });
  }

  /** One calibrated score per label, in the order of the contract's labels. */
  scores(source) {
    return this.#inTurn(async () => (await this.#timedScores(source)).scores);
  }

  /** A copy of the input tensor that a picture becomes. */
  tensor(source) {
    const { data, width, height } = new PixelReader().read(source);
    return new Preprocessor(this.contract.input).prepare(data, width, height).slice();
  }

  /** Run the golden cases inside the model: does this browser prepare and compute what the trainer did? */
  verify() {
    return this.#inTurn(() =>
      verifyGolden(this.#golden, {
        decode: async (png) => this.#reader.read(await decoded(new Blob([png], { type: "image/png" }))),
        prepare: ({ data, width, height }) => this.#preprocessor.prepare(data, width, height),
        run: async (tensor) => toScores(await this.#engine.run(tensor), this.contract.output),
      }),
    );
  }

  /** Free the engine's memory. What runs already ends first; the promise tells when. */
  delete() {
    return this.#engine.delete();
  }

  /** For measuring, step by step; whoever calls these waits for one before the next. */
  get steps() {
    return {
      pixels: (source) => this.#reader.read(source),
      prepare: ({ data, width, height }) => this.#preprocessor.prepare(data, width, height),
      run: (tensor) => this.#engine.run(tensor),
      rank: (output) => rank(toScores(output, this.contract.output), this.contract, this.#top),
    };
  }

  async #timedScores(source) {
    const begun = performance.now();
    const { data, width, height } = this.#reader.read(source);
    const read = performance.now();
    const tensor = this.#preprocessor.prepare(data, width, height);
    const prepared = performance.now();
    const output = await this.#engine.run(tensor);
    const run = performance.now();
    const scores = toScores(output, this.contract.output);
    const timings = {
      pixels_ms: read - begun,
      prepare_ms: prepared - read,
      run_ms: run - prepared,
      total_ms: performance.now() - begun,
    };
    return { scores, timings };
  }

  #inTurn(action) {
    const result = this.#turns.then(action);
    this.#turns = result.catch(() => {});
    return result;
  }
}

let ofThisFolder = null;

/**
 * Name what is in a picture with the model of the folder that this file lies in, which is loaded by the first call.
 *
 * @see Classifier#classify
 */
export async function classify(source, options) {
  ofThisFolder ??= loadedHere();
  try {
    return await (await ofThisFolder).classify(source, options);
  } catch (error) {
    if (error instanceof ModelError || error instanceof EngineError) ofThisFolder = null; // the next call tries again
    throw error;
  }
}

async function loadedHere() {
  const here = (path) => new URL(path, import.meta.url);
  const site = JSON.parse(new TextDecoder().decode(await fetched(here("site.json"))));
  return Classifier.load(here(site.model));
}

async function fetched(url) {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new ModelError(`cannot load ${url}: ${error.message}`);
  }
}
