// What tests do inside a page: open models, and hand tensors and scores out as text.

import { Classifier, EngineError, ModelError, classify, decoded, gpuAdapter } from "../classifier.js";

export { Classifier, EngineError, ModelError, classify, decoded, gpuAdapter };

const opened = new Map();

/** Opens a model under a name; gives what the tests look at. */
export async function open(name, model, options = {}) {
  const classifier = await Classifier.load(new URL(model, document.baseURI), options);
  opened.set(name, classifier);
  return { device: classifier.device, verification: classifier.verification, labels: classifier.contract.labels };
}

/** Gives how opening a model fails: the error's name and message; null where it does not. */
export async function refusal(model, options = {}) {
  try {
    const classifier = await Classifier.load(new URL(model, document.baseURI), options);
    await classifier.delete();
    return null;
  } catch (error) {
    return { name: error.name, message: error.message };
  }
}

export function classifier(name) {
  return opened.get(name);
}

export async function close(name) {
  await opened.get(name).delete();
  opened.delete(name);
}

/** A picture served as width x height x 4 bytes. */
export async function picture(path, width, height) {
  const bytes = new Uint8ClampedArray(await (await fetch(new URL(path, document.baseURI))).arrayBuffer());
  return new ImageData(bytes, width, height);
}

export async function scores(name, source) {
  return Array.from(await opened.get(name).scores(source));
}

/** A tensor's bytes, in base64. */
export function bytesOf(tensor) {
  let text = "";
  for (const byte of new Uint8Array(tensor.buffer, tensor.byteOffset, tensor.byteLength)) text += String.fromCharCode(byte);
  return btoa(text);
}
