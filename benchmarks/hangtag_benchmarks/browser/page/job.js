// Does one job of `hangtag benchmark` in a fresh browser: asks which, does it, and posts what it found.

import { repeated, timed } from "./timing.js";

const SCORED_AT_A_TIME = 16; // photos between two signs of life

// An answer that never comes: where the page dies, its end tells the other side so.
fetch("held").catch(() => {});

try {
  const job = await (await fetch("job.json")).json();
  const work = { open: openOnly, measure, score }[job.kind];
  await post("answer", await work(job));
} catch (error) {
  await post("answer", { error: `${error.message ?? error}` });
}

async function post(path, value = null) {
  await fetch(path, { method: "POST", body: JSON.stringify(value) });
}

async function opened(job) {
  const { Classifier } = await import("./classifier.js");
  const site = await (await fetch("site.json")).json();
  return Classifier.load(new URL(site.model, location.href), { ...job.options, verify: false });
}

async function openOnly(job) {
  return { device: (await opened(job)).device };
}

async function measure(job) {
  const [import_ms] = await timed(() => import("./classifier.js"));
  const frames = await fetchedFrames(job.frames);
  const [load_ms, classifier] = await timed(() => opened(job));
  const { plan } = job;
  const { prepare, run } = classifier.steps;
  // The engine copies what it is given, so a copy of the tensor may be run again and again.
  const tensor = prepare(frames[0]).slice();
  const [first_run_ms] = await timed(() => run(tensor));
  const invoke = () => run(tensor);
  const warmup_runs = (await repeated(invoke, plan.warmup_s, plan.warmup_runs)).length;
  await post("begins");
  const invoke_ms = await repeated(invoke, plan.invoke_s, plan.invoke_runs);
  await post("ended");
  const pipeline = await measuredPipeline(classifier, frames, plan);
  await post("timed");
  return {
    device: classifier.device,
    is_isolated: crossOriginIsolated,
    clock_step_us: clockStepUs(),
    import_ms,
    load_ms,
    first_run_ms,
    warmup_runs,
    timings: { invoke_ms, ...pipeline },
    verification: await classifier.verify(),
  };
}

/** From a frame, as the browser holds a camera's, to its label: as pages call it, and then step by step. */
async function measuredPipeline(classifier, frames, plan) {
  let frame = null;
  let number = 0;
  const arrive = async () => {
    frame?.close();
    frame = await createImageBitmap(frames[number++ % frames.length]);
  };
  const whole = () => classifier.classify(frame);
  await repeated(whole, 0, plan.warmup_runs, arrive);
  const end_to_end_ms = await repeated(whole, plan.pipeline_s, plan.pipeline_runs, arrive);
  const { pixels, prepare, run, rank } = classifier.steps;
  const preprocess = [];
  const postprocess = [];
  const steps = async () => {
    const [prepare_ms, tensor] = await timed(() => prepare(pixels(frame)));
    const output = await run(tensor);
    const [rank_ms] = await timed(() => rank(output));
    preprocess.push(prepare_ms);
    postprocess.push(rank_ms);
  };
  await repeated(steps, 0, plan.warmup_runs, arrive);
  await repeated(steps, plan.pipeline_s, plan.pipeline_runs, arrive);
  const stages_ms = { preprocess: preprocess.slice(plan.warmup_runs), postprocess: postprocess.slice(plan.warmup_runs) };
  return { end_to_end_ms, stages_ms };
}

async function fetchedFrames({ count, width, height }) {
  const bytes = new Uint8ClampedArray(await (await fetch("frames.rgba")).arrayBuffer());
  const size = 4 * width * height;
  return Array.from({ length: count }, (_, at) => new ImageData(bytes.slice(at * size, (at + 1) * size), width, height));
}

/** The smallest step that the clock was seen to take, in microseconds. */
function clockStepUs() {
  let smallest = Infinity;
  const until = performance.now() + 20;
  for (let before = performance.now(); before < until; ) {
    const now = performance.now();
    if (now > before) smallest = Math.min(smallest, now - before);
    before = now;
  }
  return 1000 * smallest;
}

/** The best label of every photo, each decoded by the browser from its original file; null where it cannot be read. */
async function score(job) {
  const { decoded } = await import("./classifier.js");
  const classifier = await opened(job);
  const best = [];
  for (let number = 0; number < job.photos; number++) {
    best.push(await named(classifier, decoded, number));
    if (number % SCORED_AT_A_TIME === 0) await post("alive");
  }
  return { device: classifier.device, best };
}

async function named(classifier, decoded, number) {
  const file = await (await fetch(`photos/${number}`)).blob();
  let picture;
  try {
    picture = await decoded(file);
  } catch {
    return null;
  }
  const scores = await classifier.scores(picture);
  picture.close();
  const score = Math.max(...scores);
  return { label: scores.indexOf(score), score };
}
