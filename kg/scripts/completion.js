// What the editor offers: the terms that the release uses, by their names or by what they are called in either language,
// the variables of the query, and the words of SPARQL. A term brings the declaration of its prefix with it.
import { syntaxTree } from "@codemirror/language";

const KEYWORDS = [
  "SELECT", "ASK", "CONSTRUCT", "DESCRIBE", "WHERE", "PREFIX", "DISTINCT", "OPTIONAL", "UNION", "MINUS", "FILTER", "BIND",
  "VALUES", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "OFFSET", "COUNT", "SUM", "AVG", "MIN", "MAX", "SAMPLE",
  "GROUP_CONCAT", "EXISTS", "NOT EXISTS", "LANG", "STR", "CONTAINS", "STRSTARTS", "REGEX", "BOUND", "COALESCE", "YEAR",
];
const NAME = /(?:[\p{L}][\p{L}\p{N}_.-]*)?:?[\p{L}\p{N}_-]*/u;
const MOST = 60;

let known = null;

// Asks the server once for { prefixes, terms: [name, kind, uses, ja, en] }.
function terms(address) {
  known ??= fetch(address)
    .then((response) => response.json())
    .catch(() => ((known = null), { prefixes: {}, terms: [] }));
  return known;
}

export function completions(address, language) {
  return async (context) => {
    if (/string|comment/.test(syntaxTree(context.state).resolveInner(context.pos, -1).name)) return null;
    const variable = context.matchBefore(/[?$][\p{L}\p{N}_]*/u);
    if (variable) return variables(context.state.doc.toString(), variable);
    const word = context.matchBefore(NAME);
    const line = context.state.doc.lineAt(context.pos);
    const before = context.state.sliceDoc(line.from, word ? word.from : context.pos);
    if (/<[^>\s]*$/.test(before)) return null;
    if (!context.explicit && (!word || (word.text.length < 2 && !/[^\x00-\x7f]/.test(word.text)))) return null;
    const { prefixes, terms: listed } = await terms(address);
    const from = word ? word.from : context.pos;
    if (/\bPREFIX\s+$/i.test(before)) return declarations(prefixes, from);
    return { from, filter: false, options: offered(listed, prefixes, word ? word.text : "", before, language) };
  };
}

function variables(text, word) {
  const there = new Set(text.match(/[?$][\p{L}\p{N}_]+/gu) ?? []);
  there.delete(word.text);
  return { from: word.from, options: [...there].map((label) => ({ label, type: "variable" })), validFor: /^[?$][\p{L}\p{N}_]*$/u };
}

function declarations(prefixes, from) {
  const options = Object.entries(prefixes).map(([prefix, space]) => ({ label: `${prefix}:`, detail: space, apply: `${prefix}: <${space}>` }));
  return { from, options, validFor: /^[\w-]*:?$/ };
}

// The best matches first: how the name begins, then what it is called, then what holds the text; often used ones before others.
function offered(listed, prefixes, text, before, language) {
  const sought = text.toLowerCase();
  const onlyClasses = /(?:^|[\s;{.[])(?:a|rdf:type)\s+$/.test(before);
  const found = [];
  for (const [name, kind, uses, ja, en] of listed) {
    if (onlyClasses && kind !== "class") continue;
    const rank = ranked(sought, name, ja, en);
    if (rank) found.push({ rank: rank + (kind === "property" ? 0.1 : 0), uses, name, detail: language === "ja" ? ja : en });
  }
  found.sort((one, other) => other.rank - one.rank || other.uses - one.uses);
  const options = found.slice(0, MOST).map(({ name, detail }) => ({
    label: name,
    detail: detail === name ? "" : detail,
    apply: (view, _, from, to) => insert(view, name, prefixes, from, to),
  }));
  if (!onlyClasses && /^[a-z]{2,}$/i.test(text)) {
    options.unshift(...KEYWORDS.filter((word) => word.toLowerCase().startsWith(sought)).map((label) => ({ label, type: "keyword" })));
  }
  return options;
}

function ranked(sought, name, ...called) {
  const [whole, local] = [name.toLowerCase(), name.split(":")[1].toLowerCase()];
  if (whole === sought || local === sought) return 5;
  if (whole.startsWith(sought) || local.startsWith(sought)) return 4;
  if (called.some((words) => words.toLowerCase().startsWith(sought))) return 3;
  if (local.includes(sought)) return 2;
  return called.some((words) => words.toLowerCase().includes(sought)) ? 1 : 0;
}

function insert(view, name, prefixes, from, to) {
  const prefix = name.split(":")[0];
  const declared = new RegExp(`\\bPREFIX\\s+${prefix}:`, "i").test(view.state.doc.toString());
  const line = declared ? "" : `PREFIX ${prefix}: <${prefixes[prefix]}>\n`;
  view.dispatch({
    changes: [...(line ? [{ from: 0, insert: line }] : []), { from, to, insert: name }],
    selection: { anchor: from + line.length + name.length },
    userEvent: "input.complete",
  });
}
