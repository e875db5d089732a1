// Reads RDF files by the parsers of RDF/JS and writes each as N-Triples beside it; `node readers.mjs FOLDER MODULES`.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const [folder, modules] = process.argv.slice(2);
const require = createRequire(path.join(modules, 'node_modules', 'x.js'));
const { Parser } = require('n3');
const { RdfXmlParser } = require('rdfxml-streaming-parser');
const { JsonLdParser } = require('jsonld-streaming-parser');
const types = { '.ttl': 'text/turtle', '.nt': 'application/n-triples', '.trig': 'application/trig' };

function read(file, text) {
  const suffix = path.extname(file);
  if (types[suffix]) return Promise.resolve(new Parser({ format: types[suffix] }).parse(text));
  const parser = suffix === '.rdf' ? new RdfXmlParser() : new JsonLdParser();
  return new Promise((done, failed) => {
    const quads = [];
    parser.on('data', quad => quads.push(quad)).on('error', failed).on('end', () => done(quads));
    parser.end(text);
  });
}

function term({ termType, value, language, datatype }) {
  if (termType === 'NamedNode') return `<${value}>`;
  if (termType === 'BlankNode') return `_:b${Buffer.from(value).toString('hex')}`;
  const escaped = value.replace(/[\\"\n\r]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `"${escaped}"${language ? `@${language}` : `^^<${datatype.value}>`}`;
}

for (const file of fs.readdirSync(folder)) {
  const place = path.join(folder, file);
  const quads = await read(file, fs.readFileSync(place, 'utf8')).catch(error => [error]);
  const text = quads[0] instanceof Error ? `! ${quads[0]}` : quads.map(q => `${term(q.subject)} ${term(q.predicate)} ${term(q.object)} .\n`).join('');
  fs.writeFileSync(`${place}.read`, text);
}
