// Makes the scripts that pages load: `node bundle.mjs FOLDER`, where the packages of package-lock.json are at hand
// (NODE_PATH). Beside each bundle stand the licences of what it holds, since a copy must carry them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const { buildSync } = createRequire(join(process.env.NODE_PATH, "package.json"))("esbuild");
const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2];

const { metafile } = buildSync({
  entryPoints: [join(here, "editor.js")],
  outdir: folder,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  metafile: true,
  banner: { js: "/*! The licences of what this holds: licences.txt, beside it. */" },
  nodePaths: [process.env.NODE_PATH],
  logLevel: "warning",
});

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const [, name] = resolve(input).split(`${sep}node_modules${sep}`);
  if (name) packages.add(name.split(sep).slice(0, name.startsWith("@") ? 2 : 1).join("/"));
}
const texts = [...packages].sort().map((name) => {
  const place = join(process.env.NODE_PATH, name);
  const { version, license } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
  const file = readdirSync(place).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(place, file), "utf8").trim()}\n`;
});
writeFileSync(join(folder, "licences.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
