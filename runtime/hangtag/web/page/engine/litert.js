// Runs a .tflite model with LiteRT.js, on the CPU by wasm or on the GPU by WebGPU, and never on another than asked.
//
// LiteRT.js is one per page: its wasm build is chosen when it loads, and one model's threads and memory are those of
// all. So everything here that loads, opens or frees takes turns.

import { cores, defaultThreads, requestGpu, whyNoThreads } from "./devices.js";

/** The engine cannot run the model as asked; the message is one line. */
export class EngineError extends Error {
  constructor(message) {
    super(String(message).replace(/\s+/g, " ").trim());
    this.name = "EngineError";
  }
}

const CORE_URL = new URL("../vendor/litertjs/core.js", import.meta.url).href;
const WASM_URL = new URL("../vendor/litertjs/wasm/", import.meta.url).href;
const GET_IT = "where the page is served from, run: make web-assets";

const BUILDS = {
  threaded: "litert_wasm_threaded_internal.js",
  plain: "litert_wasm_internal.js",
  compat: "litert_wasm_compat_internal.js", // for browsers without relaxed SIMD
  jspi: "litert_wasm_jspi_internal.js", // lets wasm wait for the GPU in the middle of a run
};
const DTYPES = ["float32", "uint8"]; // of the tensors that LiteRT.js has, those that a contract knows
const POOL_WORKER = "em-pthread"; // the name under which Emscripten starts its threads' workers
const MOST_LOG_LINES = 50;

let runtime = null; // the loaded LiteRT.js: { core, lite, build, log, workers, users }
let turns = Promise.resolve();

function inTurn(action) {
  const result = turns.then(action);
  turns = result.catch(() => {});
  return result;
}

/**
 * Open a model.
 *
 * @param {Uint8Array} flatbuffer the model, without what is appended for us
 * @param {object} options `device` "cpu" or "gpu"; `threads` of the CPU; `precision` "fp32" or "fp16" of the GPU;
 *   `wasm` the URL of LiteRT.js's wasm folder; `dtypes` those of the input and the output tensor
 * @returns {Promise<Engine>}
 * @throws {EngineError} this browser cannot run it as asked: it never runs as something else instead
 */
export function open(flatbuffer, { device = "cpu", threads, precision = "fp32", wasm = WASM_URL, dtypes = [] } = {}) {
  return inTurn(async () => {
    checkOptions({ device, threads, precision, dtypes });
    const gpu = device === "gpu" ? await openedGpu() : null;
    try {
      const build = gpu ? await gpuBuild() : await cpuBuild(threads);
      const count = build === "threaded" ? (threads ?? defaultThreads()) : 1;
      const loaded = await load(build, wasm);
      return await compile(loaded, flatbuffer, { gpu, threads: count, precision });
    } catch (error) {
      gpu?.device.destroy();
      throw error;
    } finally {
      unloadUnused();
    }
  });
}

function checkOptions({ device, threads, precision, dtypes }) {
  if (device !== "cpu" && device !== "gpu") throw new EngineError(`device is ${device}; wanted "cpu" or "gpu"`);
  if (precision !== "fp32" && precision !== "fp16") {
    throw new EngineError(`precision is ${precision}; wanted "fp32" or "fp16"`);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new EngineError(`threads is ${threads}; wanted a whole number from 1`);
  }
  const strange = dtypes.find((dtype) => !DTYPES.includes(dtype));
  if (strange !== undefined) {
    throw new EngineError(
      `LiteRT.js has no ${strange} tensors, which this model takes or gives; convert it with --format int8 ` +
        "(its tensors outside are uint8) or to a float format",
    );
  }
}

// --- builds of LiteRT.js

async function cpuBuild(threads) {
  const hasRelaxedSimd = await (await importedCore()).supportsFeature("relaxedSimd");
  const single = hasRelaxedSimd ? "plain" : "compat";
  const wanted = threads ?? (hasRelaxedSimd ? defaultThreads() : 1);
  if (wanted === 1) return single;
  const reason = whyNoThreads() ?? (hasRelaxedSimd ? null : "this browser has no relaxed SIMD, which LiteRT.js wants for threads");
  if (reason !== null) throw new EngineError(`${wanted} threads: ${reason}`);
  // Workers beyond the pool would start only once this thread is idle, and it waits for them.
  if (wanted > cores()) throw new EngineError(`${wanted} threads; the browser tells of ${cores()} cores`);
  return "threaded";
}

async function gpuBuild() {
  const core = await importedCore();
  if (!(await core.supportsFeature("relaxedSimd"))) return "compat";
  return (await core.supportsFeature("jspi")) ? "jspi" : "plain";
}

async function importedCore() {
  try {
    return await import(CORE_URL);
  } catch (error) {
    throw new EngineError(`cannot load LiteRT.js from ${CORE_URL} (${described(error)}); ${GET_IT}`);
  }
}

async function load(build, wasmUrl) {
  if (runtime !== null && runtime.build === build) return runtime;
  if (runtime !== null) {
    throw new EngineError(
      `this page runs a model on LiteRT.js's ${runtime.build} build, and wants another on the ${build} build; ` +
        "delete() the first",
    );
  }
  const core = await importedCore();
  const url = new URL(BUILDS[build], new URL(wasmUrl, globalThis.location?.href)).href;
  const log = [];
  const workers = [];
  try {
    const lite = await withHooks(log, workers, () => core.loadLiteRt(url));
    // It has asked for a graphics device of its own; ours are opened where one is wanted.
    lite.getDefaultEnvironment().webGpuDevice?.destroy();
    runtime = { core, lite, build, log, workers, users: 0 };
    return runtime;
  } catch (error) {
    for (const worker of workers) worker.terminate();
    throw new EngineError(`cannot start LiteRT.js's ${build} build from ${url}: ${explained(error, log)}; ${GET_IT}`);
  }
}

/**
 * Keep what native code prints, and what it starts, so that it can be ended: LiteRT.js's threads outlive its unloading.
 *
 * Emscripten's main thread also waits on the shared memory for ever where a browser has Atomics.waitAsync, and would
 * keep all of it; where it finds none it is told by messages, which end with the workers.
 */
async function withHooks(log, workers, action) {
  const print = (line) => {
    console.debug(`LiteRT: ${line}`);
    log.push(String(line));
    if (log.length > MOST_LOG_LINES) log.shift();
  };
  const [PageWorker, waitAsync] = [globalThis.Worker, Atomics.waitAsync];
  Atomics.waitAsync = undefined;
  globalThis.Module = { print, printErr: print }; // Emscripten's own way to be told
  if (PageWorker) {
    globalThis.Worker = class extends PageWorker {
      constructor(url, options) {
        super(url, options);
        if (options?.name === POOL_WORKER) workers.push(this);
      }
    };
  }
  try {
    return await action();
  } finally {
    if (PageWorker) globalThis.Worker = PageWorker;
    Atomics.waitAsync = waitAsync;
    globalThis.Module = undefined;
  }
}

function unloadUnused() {
  if (runtime === null || runtime.users > 0) return;
  const { core, workers } = runtime;
  runtime = null;
  try {
    core.unloadLiteRt();
  } finally {
    for (const worker of workers) worker.terminate();
  }
}

// --- models

async function openedGpu() {
  const found = await requestGpu();
  if (found.adapter === null) throw new EngineError(`no GPU: ${found.reason}`);
  const { limits, features } = found.adapter;
  try {
    const device = await found.adapter.requestDevice({
      requiredFeatures: ["shader-f16", "subgroups"].filter((name) => features.has(name)),
      requiredLimits: {
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
        maxTextureDimension2D: limits.maxTextureDimension2D,
      },
    });
    return { device, name: found.name, isSoftware: found.isSoftware };
  } catch (error) {
    throw new EngineError(`the GPU ${found.name} cannot be opened: ${described(error)}`);
  }
}

async function compile(loaded, flatbuffer, { gpu, threads, precision }) {
  const { core, log } = loaded;
  log.length = 0;
  const where = gpu ? `the GPU ${gpu.name}` : "the CPU";
  let environment = null;
  let model = null;
  try {
    environment = await core.Environment.create({ webGpuDevice: gpu?.device ?? null });
    model = await core.loadAndCompile(flatbuffer, {
      environment,
      accelerator: gpu ? "webgpu" : "wasm",
      cpuOptions: { numThreads: threads },
      gpuOptions: { precision },
    });
    // LiteRT.js falls back to the CPU with no more than a warning: in part, or by opening the model anew.
    if (gpu && (model.options.accelerator !== "webgpu" || !model.isFullyAccelerated)) {
      throw new EngineError("parts of the model do not run there, and would be left to the CPU");
    }
    const input = onlyInput(model);
    const about = gpu
      ? { kind: "gpu", adapter: gpu.name, isSoftware: gpu.isSoftware, build: loaded.build, precision }
      : { kind: "cpu", threads, build: loaded.build };
    return new Engine({ loaded, environment, model, gpu, about, input });
  } catch (error) {
    free(model, environment);
    throw new EngineError(`LiteRT.js cannot run the model on ${where}: ${explained(error, log)}`);
  }
}

function free(model, environment) {
  try {
    model?.delete();
    environment?.delete();
  } catch (error) {
    console.debug(`LiteRT: ${described(error)}`); // after an abort nothing can be freed one by one
  }
}

function onlyInput(model) {
  const [inputs, outputs] = [model.getInputDetails(), model.getOutputDetails()];
  if (inputs.length !== 1 || outputs.length !== 1) {
    throw new EngineError(`it has ${inputs.length} inputs and ${outputs.length} outputs; wanted one of each`);
  }
  return inputs[0];
}

/** One opened model; `device` says what runs it. Runs take turns. */
class Engine {
  #loaded;
  #environment;
  #model;
  #gpu;
  #input;
  #isDeleted = false;
  #lastRun = Promise.resolve();
  #giveUp = null;

  constructor({ loaded, environment, model, gpu, about, input }) {
    this.device = Object.freeze(about);
    this.#loaded = loaded;
    this.#environment = environment;
    this.#model = model;
    this.#gpu = gpu;
    this.#input = input;
    loaded.users += 1;
    gpu?.device.lost.then((loss) => this.#lose(loss));
  }

  /**
   * Copy a tensor in, run the model, and copy the output out.
   *
   * @param {Float32Array|Uint8Array} values the input tensor
   * @returns {Promise<Float32Array|Uint8Array>} the raw output
   * @throws {EngineError} it was deleted, the tensor does not fit, or the engine fails
   */
  run(values) {
    if (this.#isDeleted) return Promise.reject(new EngineError("this classifier was deleted"));
    const result = this.#lastRun.then(() => this.#run(values));
    this.#lastRun = result.catch(() => {});
    return result;
  }

  /** Free everything; what runs already ends first. Resolves when it is done, which nobody needs to wait for. */
  delete() {
    if (this.#isDeleted) return Promise.resolve();
    this.#isDeleted = true;
    return inTurn(async () => {
      await this.#lastRun;
      free(this.#model, this.#environment);
      this.#gpu?.device.destroy();
      this.#loaded.users -= 1;
      unloadUnused();
    });
  }

  async #run(values) {
    if (this.#gpu?.loss) throw this.#gpu.loss;
    try {
      return await (this.#gpu ? this.#untilLost(values) : this.#computed(values));
    } catch (error) {
      throw error instanceof EngineError ? error : new EngineError(`the model's run failed: ${explained(error, this.#loaded.log)}`);
    }
  }

  /** A GPU that is gone may leave a run waiting for ever. */
  #untilLost(values) {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      this.#computed(values).then(resolve, reject);
    });
  }

  #lose(loss) {
    if (this.#isDeleted) return;
    this.#gpu.loss = new EngineError(`the GPU was lost (${loss.message || loss.reason || "no reason told"}); load the model again`);
    this.#giveUp?.(this.#gpu.loss);
  }

  async #computed(values) {
    const { core } = this.#loaded;
    const tensor = new core.Tensor(values, this.#input.shape, this.#environment);
    let outputs = [];
    try {
      outputs = await this.#model.run(tensor);
      return await outputs[0].data();
    } finally {
      tensor.delete();
      for (const output of outputs) output.delete();
    }
  }
}

// --- what went wrong

function described(error) {
  if (error instanceof Event) return "the file cannot be had";
  return error?.message ?? String(error);
}

/** The error, and what native code had to say last. */
function explained(error, log) {
  const said = log.filter((line) => /error|fail|unsupported|not supported|abort/i.test(line)).slice(-2);
  return [described(error), ...said.map((line) => line.replace(/^(ERROR|WARNING):\s*/, ""))].join("; ");
}
