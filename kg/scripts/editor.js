// The query editor of /sparql. The page works without it: this puts an editor with highlighting and completion in place
// of the text area, and fetches the answer, which the server writes, without leaving the page.
//
// It stands in a shadow root: there its styles are constructed sheets, which the page's policy (style-src 'self') allows,
// as it allows no <style> element. Nothing is stored; the text goes with the entry of the session's history.
import { closeBrackets, closeBracketsKeymap, autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, syntaxHighlighting } from "@codemirror/language";
import { sparql } from "@codemirror/legacy-modes/mode/sparql";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { completions } from "./completion.js";

const language = document.documentElement.lang;
const script = document.querySelector("script[data-terms]");
const form = document.querySelector("#ask");
const area = document.querySelector("#query");
const button = form.querySelector("button[type=submit]");
const status = document.querySelector("#status");

// The colours are those of the page, so they follow its light and dark.
const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "700" },
  { tag: tags.local(tags.variableName), color: "var(--good)" },
  { tag: [tags.atom, tags.meta], color: "var(--visited)" },
  { tag: tags.string, color: "var(--doubt)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
]);
const dress = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--paper)", border: "1px solid var(--edge)", borderRadius: "4px" },
  "&.cm-focused": { outline: "3px solid var(--link)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", maxHeight: "70vh" },
  ".cm-content, .cm-gutter": { minHeight: "20rem" },
  ".cm-content": { caretColor: "var(--ink)", padding: "0.6rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)", borderLeftWidth: "2px" },
  ".cm-gutters": { color: "var(--quiet)", backgroundColor: "var(--tint)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--tint) 70%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--link) 30%, transparent)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--mark)", outline: "1px solid var(--edge)" },
  ".cm-wrong": { backgroundColor: "var(--mark)", boxShadow: "inset 4px 0 var(--change)" },
  ".cm-tooltip": { color: "var(--ink)", backgroundColor: "var(--paper)", border: "1px solid var(--edge)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "inherit", maxHeight: "18rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0.2rem 0.7rem", lineHeight: "1.5" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--accent-ink)", backgroundColor: "var(--accent)" },
  ".cm-completionLabel": { fontFamily: "var(--mono)" },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.85" },
  ".cm-completionMatchedText": { textDecorationThickness: "2px" },
});

const mark = StateEffect.define();
const marked = StateField.define({
  create: () => Decoration.none,
  update(there, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(mark)) return lineOf(transaction.state, effect.value);
    }
    return transaction.docChanged ? Decoration.none : there;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function lineOf(state, number) {
  if (!number || number > state.doc.lines) return Decoration.none;
  return Decoration.set([Decoration.line({ class: "cm-wrong" }).range(state.doc.line(number).from)]);
}

function edit() {
  const host = document.createElement("div");
  host.className = "editor";
  area.before(host);
  area.hidden = true;
  area.required = false; // a browser would not let a field be sent that it cannot point at
  const view = new EditorView({
    parent: host.attachShadow({ mode: "open" }),
    root: host.shadowRoot,
    state: EditorState.create({
      doc: window.history.state?.query ?? area.value,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        highlightActiveLine(),
        marked,
        StreamLanguage.define(sparql),
        syntaxHighlighting(colours),
        dress,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          "aria-label": document.querySelector("#query-label").textContent,
          lang: "en",
          tabindex: "0", // what scrolls must hold what the keyboard reaches; not every reader takes contenteditable for that
        }),
        autocompletion({ override: [completions(script.dataset.terms, language)], icons: false }),
        keymap.of([
          { key: "Mod-Enter", run: () => (form.requestSubmit(button), true) },
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...historyKeymap,
          ...defaultKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) area.value = update.state.doc.toString();
        }),
      ],
    }),
  });
  area.value = view.state.doc.toString();
  document.querySelector("#query-label").addEventListener("click", () => view.focus());
  for (const told of document.querySelectorAll(".scripted")) told.hidden = false;
  window.addEventListener("pagehide", () => window.history.replaceState({ query: area.value }, ""));
  return view;
}

const view = edit();
let running = null;

// Shows the line that the answer marks as wrong.
function point(answer) {
  const line = Number(answer.dataset.line ?? 0);
  view.dispatch({ effects: mark.of(line) });
  if (!line || line > view.state.doc.lines) return;
  const { from, to } = view.state.doc.line(line);
  view.dispatch({ selection: { anchor: Math.min(from + Number(answer.dataset.column) - 1, to) }, scrollIntoView: true });
}

function busy(controller) {
  running = controller;
  button.dataset.word ??= button.textContent;
  button.textContent = controller ? button.dataset.cancel : button.dataset.word;
  status.textContent = controller ? button.dataset.running : "";
  document.querySelector("#answer").ariaBusy = String(Boolean(controller));
}

async function run() {
  const controller = new AbortController();
  busy(controller);
  try {
    const body = new URLSearchParams(new FormData(form));
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" }, signal: controller.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const answer = page.querySelector("#answer");
    if (!answer) throw new Error(`${response.status} ${response.statusText}`);
    busy(null);
    document.querySelector("#answer").replaceWith(document.adoptNode(answer));
    if (response.redirected) window.history.pushState({ query: area.value }, "", response.url);
    status.textContent = (answer.querySelector(".tally") ?? answer.querySelector("h2")).textContent;
    point(answer);
    answer.scrollIntoView({ block: "nearest" });
  } catch (error) {
    busy(null);
    if (error.name !== "AbortError") status.textContent = String(error.message);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) running.abort();
  else run();
});
window.addEventListener("popstate", () => window.location.reload());
point(document.querySelector("#answer"));
