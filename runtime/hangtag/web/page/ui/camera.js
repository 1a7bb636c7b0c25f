// The camera: one at a time, started, switched, watched. Its picture goes to a <video> and nowhere else.

import { CameraError, cameraError, cameraObstacle } from "./problems.js";

/** What is asked for; browsers give the nearest they have. More pixels would cost time and not be seen. */
const SIZE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

/**
 * Events: "ended" (unplugged, or taken away), "muted" and "unmuted" (the device has paused it).
 */
export class Camera extends EventTarget {
  #video;
  #track = null;
  #attempt = 0;
  #count = 0;

  constructor(video) {
    super();
    this.#video = video;
  }

  get running() {
    return this.#track !== null;
  }

  /** True where a person expects a mirror: the preview is mirrored, what is classified and saved never is. */
  get mirrored() {
    return this.facing === "user";
  }

  /** "user" (front), "environment" (back), or null where the camera does not say. */
  get facing() {
    return this.#track?.getSettings().facingMode ?? null;
  }

  get deviceId() {
    return this.#track?.getSettings().deviceId ?? null;
  }

  /** True with more than one camera: there is something to switch to. */
  get switchable() {
    return this.#count > 1;
  }

  /** Whether the torch is on; null where this camera has none. */
  get torch() {
    if (!this.#track?.getCapabilities?.().torch) return null;
    return this.#track.getSettings().torch === true;
  }

  async setTorch(on) {
    await this.#track.applyConstraints({ advanced: [{ torch: on }] });
  }

  /**
   * Starts a camera: `{facing}` or `{deviceId}`; stops the one before, since few phones run two.
   *
   * Throws CameraError; a start that a later one has overtaken ends quietly, returning false.
   */
  async start(wanted = { facing: "environment" }) {
    const obstacle = cameraObstacle();
    if (obstacle) throw obstacle;
    this.stop();
    const attempt = this.#attempt;
    const stream = await askFor(wanted);
    if (attempt !== this.#attempt) {
      stop(stream);
      return false;
    }
    this.#take(stream);
    await this.#play(attempt);
    // Names and numbers of cameras are told only after one was allowed.
    this.#count = (await this.list()).length;
    return attempt === this.#attempt;
  }

  #take(stream) {
    const track = stream.getVideoTracks()[0];
    this.#track = track;
    const tell = (name) => () => track === this.#track && this.dispatchEvent(new Event(name));
    track.addEventListener("ended", tell("ended"));
    track.addEventListener("mute", tell("muted"));
    track.addEventListener("unmute", tell("unmuted"));
    this.#video.srcObject = stream;
  }

  async #play(attempt) {
    try {
      await this.#video.play();
    } catch (error) {
      // A stop in between also ends play(): that is no failure.
      if (attempt === this.#attempt) throw new CameraError("failed", `${error.name}: ${error.message}`);
    }
  }

  /** Stops the camera and lets go of it. */
  stop() {
    this.#attempt += 1;
    this.#track = null;
    stop(this.#video.srcObject);
    this.#video.srcObject = null;
  }

  /** Starts another camera: the one that faces the other way, else the next of the list. */
  async flip() {
    const before = this.deviceId;
    const facing = this.facing;
    const cameras = await this.list();
    const place = cameras.findIndex((camera) => camera.deviceId === before);
    const next = cameras[(place + 1) % cameras.length];
    const wanted = facing ? { facing: facing === "user" ? "environment" : "user" } : { deviceId: next.deviceId };
    await this.start(wanted);
    if (this.deviceId === before && next && next.deviceId !== before) await this.start({ deviceId: next.deviceId });
  }

  /** All cameras: `{deviceId, label}`; the label is empty before one was allowed. */
  async list() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    return devices.filter((device) => device.kind === "videoinput");
  }
}

async function askFor({ facing, deviceId }) {
  const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: facing } };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...SIZE, ...which } });
  } catch (error) {
    throw cameraError(error);
  }
}

function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** True where the person has allowed the camera before, so that the page may start it unasked. */
export async function cameraAllowed() {
  if (cameraObstacle()) return false;
  try {
    return (await navigator.permissions.query({ name: "camera" })).state === "granted";
  } catch {
    return false; // some browsers do not know this permission: then the person starts it
  }
}
