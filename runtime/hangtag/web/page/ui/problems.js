// From whatever went wrong to what a person can do about it.

/** A camera that is not there for the page. `kind` names the texts: `<kind>-title`, `<kind>`, `<kind>-1`… */
export class CameraError extends Error {
  constructor(kind, detail = "") {
    super(detail || kind);
    this.name = "CameraError";
    this.kind = kind;
    this.detail = detail;
  }
}

/** How many steps of advice each kind has. */
const STEPS = { insecure: 4, refused: 2 };

const CAMERA_KINDS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "absent",
  OverconstrainedError: "absent",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Returns what getUserMedia's error means. */
export function cameraError(error) {
  const kind = CAMERA_KINDS[error.name] ?? "failed";
  // The browser's own words help where ours can only guess.
  return new CameraError(kind, kind === "refused" || kind === "absent" ? "" : `${error.name}: ${error.message}`);
}

/** Why no camera can be asked for here, or null. */
export function cameraObstacle() {
  if (!isSecureContext) return new CameraError("insecure");
  return navigator.mediaDevices?.getUserMedia ? null : new CameraError("unsupported");
}

/**
 * Returns a problem as the page shows it: `{kind, title, advice, steps, values, detail, again}`, all but the
 * last two as keys of texts. `again` is what helps: the camera once more, or the whole page.
 */
export function problemOf(error) {
  const kind = kindOf(error);
  const steps = Array.from({ length: STEPS[kind] ?? 0 }, (_, place) => `${kind}-${place + 1}`);
  const camera = error instanceof CameraError;
  return {
    kind,
    title: `${kind}-title`,
    advice: kind,
    steps,
    values: { origin: location.origin, port: location.port || (location.protocol === "https:" ? "443" : "80") },
    detail: camera ? error.detail : oneLine(error),
    again: !camera ? "page" : kind === "insecure" || kind === "unsupported" ? null : "camera",
  };
}

function kindOf(error) {
  if (error instanceof CameraError) return error.kind;
  if (error?.name === "ModelError") return "model";
  return error instanceof NetworkError ? "network" : "engine";
}

/** A file of the page did not arrive. */
export class NetworkError extends Error {
  constructor(message) {
    super(message);
    this.name = "NetworkError";
  }
}

/** Returns an error as one readable line. */
export function oneLine(error) {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split("\n", 1)[0].slice(0, 300);
}
