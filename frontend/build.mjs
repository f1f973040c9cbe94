// Builds every top-level file of src/ into the Python package's static folder.
//
// One entry, one file of the same name: src/desk.js becomes dist/desk.js. Shared code lives in src/lib/ and is
// bundled into the entries that import it. The map is copied beside them, never bundled: it is loaded when asked for.
// Every file then takes a digest of its content into its name, so that browsers may keep it for ever, and gets a
// compressed twin for the server to send.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const out = join(here, "..", "saat", "web", "static", "saat", "dist");
const fresh = `${out}.new-${process.pid}`;

// Residents and crews bring old phones; the desk is an office's browser of the last few years.
const OLD_PHONES = ["es2019", "chrome70", "firefox68", "safari12.1"];
const OFFICES = ["es2022", "chrome105", "firefox115", "safari16"];
const targetOf = (name) => (/^(desk|trucks)/.test(name) ? OFFICES : OLD_PHONES);

const LICENCE = "LICENSE.txt";
// The build that needs no eval and no inline worker, which our content security policy forbids.
const MAP_FILES = ["maplibre-gl-csp.js", "maplibre-gl-csp-worker.js", "maplibre-gl.css", LICENCE];

async function bundle(names) {
  await Promise.all(
    names.map((name) =>
      build({
        entryPoints: [join(source, name)],
        outfile: join(fresh, name),
        bundle: true,
        minify: true,
        format: "iife",
        target: targetOf(name),
        // These browsers know it; esbuild declines because of corner cases that we do not write.
        supported: { destructuring: true },
        charset: "utf8",
        legalComments: "eof",
        external: ["*.svg", "*.png", "*.webp"],
        logLevel: "warning",
      }),
    ),
  );
}

async function copyMap() {
  await mkdir(join(fresh, "map"), { recursive: true });
  const from = join(here, "node_modules", "maplibre-gl", "dist");
  await Promise.all(MAP_FILES.map((name) => copyFile(join(from, name), join(fresh, "map", name))));
}

// manifest.json says what was built: name → file (with its digest) and size, plain and on the wire.
async function seal(names) {
  const manifest = {};
  for (const name of names) {
    const bytes = await readFile(join(fresh, name));
    const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
    const file = name.replace(/(\.[a-z]+)$/, `.${digest}$1`);
    const small = gzipSync(bytes, { level: 9 });
    await rename(join(fresh, name), join(fresh, file));
    await writeFile(join(fresh, `${file}.gz`), small);
    manifest[name] = { file, digest, bytes: bytes.length, gzip_bytes: small.length };
  }
  await writeFile(join(fresh, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
  return manifest;
}

const entries = (await readdir(source)).filter((name) => /\.(js|css)$/.test(name)).sort();
await rm(fresh, { recursive: true, force: true });
try {
  await bundle(entries);
  await copyMap();
  const manifest = await seal([...entries, ...MAP_FILES.filter((name) => name !== LICENCE).map((name) => `map/${name}`)]);
  await rm(out, { recursive: true, force: true });
  await mkdir(dirname(out), { recursive: true });
  await rename(fresh, out);
  if (process.env.VERBOSE) console.table(manifest);
} finally {
  await rm(fresh, { recursive: true, force: true });
}
