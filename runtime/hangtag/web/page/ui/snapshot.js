// A picture to keep: what is held on the stage, with its label and the time written below it.

import { moment } from "./language.js";

const QUALITY = 0.92;

/** Returns a JPEG File of a still with a caption below. */
export async function snapshot(still, sentence, label, date) {
  const canvas = document.createElement("canvas");
  const size = Math.max(16, Math.round(still.width / 24));
  const lineHeight = Math.round(size * 2.2);
  canvas.width = still.width;
  canvas.height = still.height + lineHeight;
  const context = canvas.getContext("2d", { alpha: false });
  context.drawImage(still, 0, 0);
  context.fillStyle = "#10202f";
  context.fillRect(0, still.height, canvas.width, lineHeight);
  caption(context, sentence, moment(date), size, still.height + lineHeight / 2);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!blob) throw new Error(`${canvas.width} x ${canvas.height} px`);
  return new File([blob], fileName(label, date), { type: "image/jpeg", lastModified: date.getTime() });
}

function caption(context, sentence, time, size, middle) {
  const margin = size * 0.7;
  context.textBaseline = "middle";
  context.fillStyle = "#c4d0dc";
  context.font = `${Math.round(size * 0.7)}px system-ui, sans-serif`;
  const timeWidth = context.measureText(time).width;
  context.textAlign = "right";
  context.fillText(time, context.canvas.width - margin, middle);
  context.fillStyle = "#ffffff";
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textAlign = "left";
  // The last argument presses a long label together rather than writing it over the time.
  context.fillText(sentence, margin, middle, Math.max(size, context.canvas.width - timeWidth - 3 * margin));
}

/** A name without anything that a file system minds: labels come from elsewhere. */
export function fileName(label, date) {
  const plain = label.replace(/[^\p{L}\p{N}_-]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  const two = (value) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
  return `hangtag-${day}-${time}${plain ? `-${plain}` : ""}.jpg`;
}

/** Puts a file among the downloads. */
export function download(file) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  // Not at once: the download begins after this function has ended.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** True where the device can hand files to other apps. */
export function canShare() {
  const probe = new File([new Uint8Array(1)], "probe.jpg", { type: "image/jpeg" });
  return Boolean(navigator.canShare?.({ files: [probe] }));
}

/** Hands a file to another app; returns false where the person thought better of it. */
export async function share(file) {
  try {
    await navigator.share({ files: [file] });
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    throw error;
  }
}
