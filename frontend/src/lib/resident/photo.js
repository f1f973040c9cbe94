// Makes a photo small before it is sent, and keeps what the camera wrote of place and time, which officials need.
import { bytesOf } from "./texts.js";

const LONGEST_SIDE = 1600;
const SMALL_ENOUGH_BYTES = 350_000;
const QUALITY = 0.82;
const JPEG = "image/jpeg";

// Returns a small JPEG of a photo; the photo itself where it is small already or this phone cannot read it.
export async function shrink(file) {
  if (file.type === JPEG && file.size <= SMALL_ENOUGH_BYTES) return file;
  try {
    const picture = await decode(file);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    if (picture.close) picture.close();
    const small = await new Promise((resolve) => canvas.toBlob(resolve, JPEG, QUALITY));
    if (!small) return file;
    const told = file.type === JPEG ? exifOf(await bytesOf(file)) : null;
    const whole = told ? new Blob([(await bytesOf(small)).slice(0, 2), told, small.slice(2)], { type: JPEG }) : small;
    return whole.size < file.size ? named(whole, file.name) : file;
  } catch {
    return file;
  }
}

function named(blob, name) {
  return new File([blob], `${(name || "photo").replace(/\.\w+$/, "")}.jpg`, { type: JPEG });
}

async function decode(file) {
  if (window.createImageBitmap) {
    try {
      return await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      // Older browsers know no options, or not this kind of picture; an <img> may.
    }
  }
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = address;
    });
    return image;
  } finally {
    URL.revokeObjectURL(address);
  }
}

// Returns the EXIF segment of a JPEG with its orientation set to upright, as the canvas has drawn it; null if none.
export function exifOf(buffer) {
  const view = new DataView(buffer);
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return null;
  for (let at = 2; at + 10 < view.byteLength && view.getUint8(at) === 0xff; ) {
    const kind = view.getUint8(at + 1);
    const length = view.getUint16(at + 2) + 2;
    if (kind === 0xda) return null;
    if (kind === 0xe1 && view.getUint32(at + 4) === 0x45786966) {
      if (at + length > view.byteLength) return null;
      const segment = buffer.slice(at, at + length);
      return standUpright(new DataView(segment)) ? segment : null;
    }
    at += length;
  }
  return null;
}

// The segment: FF E1, length, "Exif\0\0", then TIFF with its own byte order. Returns false if it is broken.
function standUpright(view) {
  const tiff = 10;
  if (view.byteLength < tiff + 8) return false;
  const little = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, little);
  if (directory + 2 > view.byteLength) return false;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i += 1) {
    const entry = directory + 2 + i * 12;
    if (entry + 12 > view.byteLength) return false;
    if (view.getUint16(entry, little) === 0x0112) view.setUint16(entry + 8, 1, little);
  }
  return true;
}
