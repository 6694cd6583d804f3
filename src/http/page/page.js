/* The page sends queries to the service that it was loaded from, and shows the answers. The form describes a person by the columns
 * of the data's users: it has a control for each column in the service's info.
 *
 * `state` is the query that the page shows. The address's hash holds the same as text, under the names of the service's parameters,
 * so that a link restores it. It is a hash and not a query string, so that feedback stays out of logs. Code that changes the state
 * calls changed(), which writes the hash and renders everything again. Each request has a lane; a newer request cancels the older
 * one of its lane, so that a late reply never replaces a newer one.
 *
 * Every text of the service is untrusted; parts.js makes elements from it. */

import {$, button, icon, items, later, list, make, meter, noun, number, plain, plate, plural, sentence, setNoun, show, showQuality,
  signed, small} from "./parts.js";

/* ---- The service ---- */

class Refused extends Error {
  constructor(status, message) {
    super(sentence(message));
    this.status = status;
    /* A message about a parameter begins with its name. */
    this.field = status < 500 ? (/^([\w-]+)/.exec(message) || [])[1] : undefined;
  }
}

const lanes = new Map();

/* The document at `path`. Throws Refused with a message, or an AbortError when a newer request took the lane. */
async function ask(path, parameters, lane = path) {
  lanes.get(lane)?.abort();
  const control = new AbortController();
  lanes.set(lane, control);
  const query = parameters ? `?${parameters}` : "";
  for (;;) {
    const token = sessionStorage.getItem("marquee.token");
    let reply, text;
    try {
      reply = await fetch(`v1/${path}${query}`, {signal: control.signal, headers: token ? {Authorization: `Bearer ${token}`} : {}});
      text = await reply.text();
    } catch (error) {
      throw error.name === "AbortError" ? error : new Refused(503, "The service does not answer. Is it running?");
    }
    /* Another request may have got a token in the meantime. */
    if (reply.status === 401 && (token !== sessionStorage.getItem("marquee.token") || await askToken(token !== null))) continue;
    let document = null;
    try { document = JSON.parse(text); } catch { /* reported below */ }
    if (!reply.ok || document === null)
      throw new Refused(reply.status, document?.error?.message || `the service answered ${reply.status}`);
    control.signal.throwIfAborted();
    return document;
  }
}

/* Asks for the token once, however many requests were refused. True when there is one to try. */
let tokenWanted = null;
function askToken(wrong) {
  tokenWanted ||= new Promise(resolve => {
    const dialog = $("token-dialog");
    $("token-said").textContent = wrong ? "That token was not accepted. Try another." : "It is kept until this tab closes.";
    $("token").value = "";
    dialog.returnValue = "";
    dialog.addEventListener("close", () => {
      tokenWanted = null;
      if (dialog.returnValue) sessionStorage.setItem("marquee.token", dialog.returnValue);
      resolve(dialog.returnValue !== "");
    }, {once: true});
    dialog.showModal();
  });
  return tokenWanted;
}

/* ---- State and address ---- */

/* `features` holds values by column of the users. */
const NOTHING = {view: "", known: false, features: new Map(), user: "", liked: [], disliked: [], genre: [], all: false,
  from: "", to: "", where: [], k: "12", seen: false, item: ""};
/* The hash uses these names itself; any other name is a column of the users. */
const OWN = ["view", "item", "user", "liked", "disliked", "genre", "all_genres", "year", "where", "include_seen", "k", "with"];
const FILTERS = ["genre", "all", "from", "to", "where", "seen"];
const FEEDBACK_MAX = 200; /* so that a link stays within the URLs that servers accept */
const ID_MAX = 255;
let state = structuredClone(NOTHING);
let info = null;

const year = s => s.from || s.to ? (s.from === s.to ? s.from : `${s.from}-${s.to}`) : "";

/* "with" names a column that has the name of something else; the service accepts any column in this form. */
const pair = (name, value) => ["with", `${name}=${value}`];

/* Ids as the service reads them: commas between them, and a backslash before a comma or a backslash of an id. */
const joinIds = ids => ids.map(id => id.replace(/[\\,]/g, "\\$&")).join();
const splitIds = text => (text.match(/(?:\\.|[^\\,])+/gs) ?? []).map(id => id.replace(/\\(.)/gs, "$1"));

/* The query as the service's parameters; `feature` makes a parameter from a column's value. */
function parameters(s, feature = pair) {
  const p = new URLSearchParams();
  const put = (name, value) => { if (value) p.append(name, value); };
  if (s.known) p.append("user", s.user);
  else s.features.forEach((value, name) => p.append(...feature(name, value)));
  put("liked", joinIds(s.liked));
  put("disliked", joinIds(s.disliked));
  s.genre.forEach(genre => put("genre", genre));
  put("all_genres", s.all && s.genre.length > 1 ? "true" : "");
  put("year", year(s));
  s.where.forEach(condition => put("where", condition));
  put("include_seen", s.seen ? "true" : "");
  put("k", s.k === NOTHING.k ? "" : s.k);
  return p;
}

function hash(s) {
  const p = parameters(s, (name, value) => OWN.includes(name) ? pair(name, value) : [name, value]);
  if (s.view) p.append("view", s.view);
  if (s.item) p.append("item", s.item);
  return `#${String(p).replaceAll("%2C", ",")}`;
}

function parse(text) {
  const p = new URLSearchParams(text.replace(/^#/, ""));
  const ids = name => [...new Set(splitIds(p.getAll(name).join()).filter(id => id.length <= ID_MAX))].slice(0, FEEDBACK_MAX);
  const s = structuredClone(NOTHING);
  for (const name of ["user", "view", "item", "k"]) s[name] = p.get(name) ?? s[name];
  for (const [name, value] of p) {
    const [, column, its] = name === "with" ? /^([^=]*)=?(.*)$/s.exec(value) : ["", OWN.includes(name) ? "" : name, value];
    if (column && its) s.features.set(column, its);
  }
  s.known = p.has("user");
  s.liked = ids("liked");
  s.disliked = ids("disliked").filter(id => !s.liked.includes(id));
  s.genre = p.getAll("genre");
  s.all = p.get("all_genres") === "true";
  [, s.from, s.to] = /^([^-]*)-?(.*)$/.exec(p.get("year") || "");
  if (!p.get("year")?.includes("-")) s.to = s.from;
  s.where = p.getAll("where");
  s.seen = p.get("include_seen") === "true";
  return s;
}

/* To be called when a person has changed the state; with `push` when "back" should undo the change. */
function changed(push = false) {
  const address = hash(state);
  if (address !== (location.hash || "#")) history[push ? "pushState" : "replaceState"](null, "", address);
  refresh();
}

function refresh() {
  const quality = state.view === "quality";
  $("to-find").href = hash({...state, view: "", item: ""});
  $("to-quality").href = hash({...state, view: "quality", item: ""});
  $("to-find").ariaCurrent = quality ? "false" : "page";
  $("to-quality").ariaCurrent = quality ? "page" : "false";
  show($("find"), !quality);
  show($("quality"), quality);
  document.title = quality ? "How good is it \u2013 Marquee" : "Marquee";
  showForm();
  showChips();
  if (!info) return;
  if (quality) showQuality($("quality"), info);
  else recommend();
  showPanel();
}

/* ---- Items: what the replies said about them, and feedback ---- */

const catalogue = new Map(); /* the items of all replies, by id */
const remember = found => found.forEach(item => catalogue.set(item.id, {...catalogue.get(item.id), ...item}));

const feedback = id => state.liked.includes(id) ? "liked" : state.disliked.includes(id) ? "disliked" : "";

/* `as` is "liked", "disliked", or "" to remove the feedback. */
function judge(id, as) {
  for (const kind of ["liked", "disliked"]) state[kind] = state[kind].filter(other => other !== id);
  if (as && state.liked.length + state.disliked.length < FEEDBACK_MAX) state[as].push(id);
  changed();
}

function judgeButtons(item) {
  if (!info.feedback) return [];
  const {id} = item;
  return [["liked", "up", "Like"], ["disliked", "down", "Dislike"]].map(([as, glyph, verb]) => make("button.icon-button", {
    type: "button", title: verb, "aria-label": `${verb} ${plain(item)}`, "aria-pressed": String(feedback(id) === as), "data-id": id,
    "data-as": as, onclick: () => judge(id, feedback(id) === as ? "" : as)}, icon(glyph)));
}

/* ---- Cards ---- */

function scoreLine(item, best) {
  if (info.score === "rating") {
    const stars = make("span.stars", {"aria-hidden": "true"}, make("span"));
    stars.firstChild.style.width = `${Math.max(0, Math.min(5, item.score)) * 20}%`;
    return make("p.score", {title: "The rating that the model expects"}, stars, make("b", item.score.toFixed(2)),
      make("span.unseen", " stars expected"));
  }
  return make("p.score", {title: `How strongly the model recommends it: this orders ${noun.many} and means nothing by itself`},
    make("span.unseen", "Affinity "), meter(item.score / best), make("b", small(item.score)));
}

/* A column's name in words, and a value of it, which of a set is a list. */
const plainName = name => name.replaceAll(/[_-]/g, " ");
const valueOf = feature => Array.isArray(feature.value) ? list(feature.value) : String(feature.label ?? feature.value);

/* "female", but "age 25-34": a value that begins like a number follows the name of its column. */
function featuresOf(document) {
  const told = Object.entries(document).filter(([, feature]) => feature?.value !== undefined && String(feature.value));
  const words = told.map(([name, feature]) => (/^[-+.\d]/.test(valueOf(feature)) ? `${plainName(name)} ` : "") + valueOf(feature));
  return [...words, ...(document.with || [])];
}

const WORDS = new Map(Object.entries({id: p => `what user ${p.value} is like`, liked: p => `you like ${plain(itemOf(p))}`,
  disliked: p => `you dislike ${plain(itemOf(p))}`, history: p => `user ${state.user} liked ${plain(itemOf(p))}`}));
const wordsOf = part => WORDS.get(part.input)?.(part) || `your ${plainName(part.input)}, ${valueOf(part)}`;
const itemOf = part => catalogue.get(part.id) || {...part, year: +(/\((\d{4})\)$/.exec(part.title) || [])[1]};

function why(explanation) {
  const {base, parts, rest} = explanation;
  const most = Math.max(...parts.map(part => Math.abs(part.score)), 1e-9);
  const told = parts.filter(part => Number(small(part.score)) !== 0);
  const rows = told.map(part => make(part.score < 0 ? "li.against" : "li", {}, meter(Math.abs(part.score) / most),
    make("span", (part.score < 0 ? "less: " : "") + wordsOf(part)),
    make("span.amount", signed(part.score))));
  const others = `The average person: ${small(base)}.${rest ? ` Everything else: ${signed(rest)}.` : ""}`;
  return make("div.why", {}, make("h3", "Why"), make("ul", {}, ...rows), make("p.hint", others));
}

const facts = item => [item.year, ...(item.genres || [])].filter(Boolean).join("\u00a0\u00b7 ");

/* A title that opens the panel. */
const opener = item => make("button", {type: "button", textContent: plain(item), "data-id": item.id, "aria-haspopup": "dialog",
  onclick: () => { state.item = item.id; changed(true); }});

function card(item, best) {
  const head = make("div.head", {}, plate(item, info.genres, item.rank ? make("span.rank", String(item.rank)) : null),
    make("h2", {}, opener(item)), make("p.facts", facts(item)));
  const score = item.score === undefined ? make("p.score", plural(item.ratings, "rating")) : scoreLine(item, best);
  return make("li.card", {}, head, make("div.row", {}, score, make("div.judge", {}, ...judgeButtons(item))),
    item.explanation?.parts.length ? why(item.explanation) : null);
}

function showCards(results) {
  remember(results);
  /* A like or a dislike replaces the cards. The focus stays on the button of the same item, if it is still there. */
  const held = $("cards").contains(document.activeElement) ? document.activeElement.dataset : null;
  $("cards").replaceChildren(...results.map(item => card(item, results[0].score)));
  if (held) {
    const same = [...$("cards").querySelectorAll("button")].find(b => b.dataset.id === held.id && b.dataset.as === held.as);
    (same || $("results-title")).focus({preventScroll: Boolean(same)});
  }
}

/* ---- The answer ---- */

function whom(query) {
  const words = query.user ? [`user ${query.user}`] : featuresOf(query);
  const feedback = ["liked", "disliked"].filter(as => query[as]?.length)
    .map(as => `${as.slice(0, -1)}s ${items(query[as].length)}`);
  if (!feedback.length) return words.join(", ") || "anybody";
  return `${words.join(", ") || "someone"} who ${list(feedback)}`;
}

let asked = null; /* the query that the cards show, so that coming back to them sends no request */
async function recommend() {
  const lack = state.known && !state.user.trim();
  const query = lack ? `lack ${state.liked} ${state.disliked}` : String(parameters(state));
  if (query === asked) return;
  asked = query;
  const loading = setTimeout(() => show($("loading"), true), 150);
  $("results").setAttribute("aria-busy", "true");
  try {
    await (lack ? invite() : answer());
  } catch (error) {
    if (error.name === "AbortError") return;
    asked = null;
    problem(error);
  } finally {
    clearTimeout(loading);
    if (asked === query || asked === null) {
      show($("loading"), false);
      $("results").removeAttribute("aria-busy");
    }
  }
}

async function answer() {
  const wanted = parameters(state), whose = state.known ? state.user : "", started = performance.now();
  wanted.set("k", state.k);
  wanted.set("explain", "5");
  const {generation, query, results} = await ask("recommendations", wanted, "answer");
  const took = performance.now() - started;
  if (generation !== info.generation) await renew();
  clearProblems();
  showCards(results);
  const person = whom(query), anybody = person === "anybody", ms = number(took, took < 10 ? 1 : 0);
  const more = `. Say who it is for${info.feedback ? `, or like some ${noun.many}` : ""}, and they change.`;
  $("results-title").textContent = !results.length ? "Nothing fits" : anybody ? "For anybody" : "You may like";
  $("results-said").textContent = `${items(results.length)} for ${person}, in ${ms} ms${anybody ? more : ""}`;
  if (results.length === 0) explainNothing();
  if (whose) aboutUser(whose);
}

/* A known user, but no id yet: the most rated items. */
async function invite() {
  const popular = await ask("items", new URLSearchParams({k: "12"}), "answer");
  clearProblems();
  $("results-title").textContent = "Most rated";
  $("results-said").textContent = "Enter the id of a user of the data.";
  showCards(popular.results);
}

function explainNothing() {
  const years = info.years && year(state) ? ` The data has ${noun.many} of ${info.years[0]} to ${info.years[1]}.` : "";
  const filtered = FILTERS.some(name => String(state[name]) !== String(NOTHING[name]));
  $("empty").replaceChildren(make("p", filtered ? `No ${noun.one} passes these filters.${years}`
    : `Everything has been rated already. The filter \u201cAlso ${noun.many} already rated\u201d shows them again.`));
  if (filtered) $("empty").append(button("Clear the filters", clearFilters));
  show($("empty"), true);
}

async function aboutUser(id) {
  try {
    const {user, results} = await ask(`users/${encodeURIComponent(id)}`, new URLSearchParams({k: "3"}), "user");
    remember(results);
    $("user-about").textContent = sentence([...featuresOf(user), plural(user.ratings, "rating")].join(", ")) +
      (results.length ? ` Among them ${list(results.map(plain))}.` : "");
  } catch (error) {
    if (error.name !== "AbortError") $("user-about").textContent = error.message;
  }
}

/* ---- Problems, each shown beside its field ---- */

function clearProblems() {
  $("empty").replaceChildren();
  show($("empty"), false);
  document.querySelectorAll(".field .problem").forEach(node => node.remove());
  document.querySelectorAll("[aria-invalid]").forEach(node => {
    node.removeAttribute("aria-invalid");
    node.removeAttribute("aria-errormessage");
  });
  $("user-about").textContent = "";
}

function problem(error) {
  clearProblems();
  $("cards").replaceChildren();
  $("results-title").textContent = "No answer";
  $("results-said").textContent = "";
  show($("empty"), true);
  const name = error.field === "disliked" ? "liked" : error.field === "all_genres" ? "genre" : error.field;
  const field = document.querySelector(`.field[data-field="${CSS.escape(name || "")}"]`);
  if (!field || field.closest("[hidden]")) {
    $("empty").replaceChildren(make("p.problem", {role: "alert", textContent: error.message}),
      button("Try again", () => { asked = null; start(); }));
    return;
  }
  const input = field.querySelector("input, select, textarea"), label = field.querySelector("label, .label").textContent;
  field.closest("details")?.setAttribute("open", "");
  field.append(make("p.problem", {id: `problem-${name}`, role: "alert", textContent: error.message}));
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-errormessage", `problem-${name}`);
  $("empty").replaceChildren(make("p", {}, "The service does not accept the value of ",
    button(label, () => input.focus(), "plain-link"), "."));
}

/* ---- The form ---- */

/* The users' columns that a query can name. */
const columns = () => [...Object.keys(info.choices), ...info.numbers].sort();
const control = name => $(`feature-${name}`);

function featureField(name) {
  const id = `feature-${name}`, choices = info.choices[name], words = plainName(name);
  const options = (choices || []).map(choice => new Option(choice.label ?? choice.value, choice.value));
  return make("div.field", {"data-field": name},
    make("label", {htmlFor: id, textContent: words.charAt(0).toUpperCase() + words.slice(1)}),
    choices ? make("select", {id}, new Option("Any", ""), ...options)
      : make("input", {id, type: "text", inputMode: "decimal", maxLength: 30, placeholder: "Any", spellcheck: false}));
}

function fillForm() {
  setNoun(info.noun);
  $("chips").ariaLabel = `Liked and disliked ${noun.many}`;
  $("new-fields").replaceChildren(...columns().map(featureField));
  show($("feedback"), info.feedback);
  show($("genre-field"), info.genres.length > 0);
  show($("year-field"), info.years !== null);
  $("genres").replaceChildren(...info.genres.map(genre => make("label", {}, make("input", {type: "checkbox", value: genre}),
    make("span", genre))));
  show($("where-field"), Object.keys(info.columns).length > 0);
  $("where-hint").textContent = `One a line: ${Object.keys(info.columns).join(", ")}, then one of = != < <= > >=, then a value.`;
  if (info.years) [$("from").placeholder, $("to").placeholder] = info.years;
  $("foot-said").textContent = `Marquee ${info.version}, generation ${info.generation}`;
}

/* To be called when another generation serves: its users may have other columns and values. */
async function renew() {
  const held = document.activeElement.id;
  info = await ask("info");
  fillForm();
  showForm();
  $(held)?.focus();
}

/* Shows the state in the form. The focused field keeps its value, because somebody is writing there. */
function showForm() {
  const put = (id, value) => { if ($(id) !== document.activeElement) $(id).value = value; };
  for (const name of info ? columns() : []) {
    const value = state.features.get(name) ?? "", field = control(name);
    /* A link may contain "age=30", which the service understands although the list does not have it. */
    const listed = [...field.options || []].some(option => option.value === value);
    if (value && field.options && !listed) field.append(new Option(value, value));
    put(field.id, value);
  }
  for (const radio of $("form").elements.mode) radio.checked = (radio.value === "user") === state.known;
  show($("new-fields"), !state.known);
  show($("user-fields"), state.known);
  ["user", "from", "to", "k"].forEach(name => put(name, state[name]));
  put("where", state.where.join("\n"));
  $("genres").querySelectorAll("input").forEach(box => { box.checked = state.genre.includes(box.value); });
  $("all-genres").checked = state.all;
  show($("all-genres-label"), state.genre.length > 1);
  $("seen").checked = state.seen;
  const used = state.genre.length + Boolean(state.from || state.to) + state.where.length + state.seen;
  $("filter-count").textContent = used ? `${used} set` : "";
  show($("clear-filters"), used > 0);
}

function readForm() {
  state.known = $("form").elements.mode.value === "user";
  state.features = new Map(columns().map(name => [name, control(name).value.trim()]).filter(([, value]) => value));
  for (const name of ["user", "from", "to", "k"]) state[name] = $(name).value.trim();
  state.k ||= NOTHING.k;
  state.genre = [...$("genres").querySelectorAll("input:checked")].map(box => box.value);
  state.all = $("all-genres").checked;
  state.where = $("where").value.split("\n").map(line => line.trim()).filter(Boolean);
  state.seen = $("seen").checked;
  changed();
}

function clearFilters() {
  for (const name of FILTERS) state[name] = structuredClone(NOTHING[name]);
  changed();
  $("results-title").focus();
}

function chip(id, as, other) {
  const item = catalogue.get(id) || {id};
  const act = (name, label, glyph, to) => make("button", {type: "button", "data-act": name, "aria-label": label, title: label,
    onclick: () => judge(id, to)}, icon(glyph));
  return make(`li.chip.${as}`, {}, act("turn", `${plain(item)} is ${as}: make it ${other}`, as === "liked" ? "up" : "down", other),
    make("span", plain(item)), act("remove", `Remove ${plain(item)}`, "cross", ""));
}

async function showChips() {
  const held = document.activeElement.closest("#chips li"), place = [...$("chips").children].indexOf(held);
  const act = document.activeElement.dataset.act;
  const chips = [["liked", "disliked"], ["disliked", "liked"]].flatMap(([as, other]) => state[as].map(id => chip(id, as, other)));
  $("chips").replaceChildren(...chips);
  if (held) (chips[Math.min(place, chips.length - 1)]?.querySelector(`[data-act=${act}]`) || $("title")).focus();
  /* Titles of the items of a link. If one does not exist, the answer reports it. */
  const unknown = info ? [...state.liked, ...state.disliked].filter(id => !catalogue.has(id)) : [];
  if (unknown.length === 0) return;
  remember(unknown.map(id => ({id})));
  const found = await Promise.allSettled(unknown.map(id => ask(`items/${encodeURIComponent(id)}`)));
  remember(found.filter(reply => reply.value).map(reply => reply.value.item));
  showChips();
}

/* ---- Type-ahead: the ARIA combobox with a list; the focus stays in the input ---- */

let options = [], active = -1;

function showOptions(found) {
  options = found;
  active = -1;
  $("options").replaceChildren(...found.map((item, i) => make("li", {id: `option-${i}`, role: "option", "aria-selected": "false",
    onclick: event => choose(i, event.shiftKey ? "disliked" : "liked")},
  make("span", plain(item)), make("span.facts", item.year || ""))));
  show($("options"), found.length > 0);
  $("title").setAttribute("aria-expanded", String(found.length > 0));
  $("title").removeAttribute("aria-activedescendant");
}

function activate(i) {
  active = (i + options.length) % options.length;
  [...$("options").children].forEach((node, at) => node.setAttribute("aria-selected", String(at === active)));
  $("title").setAttribute("aria-activedescendant", `option-${active}`);
  $("options").children[active].scrollIntoView({block: "nearest"});
}

function choose(i, as) {
  const item = options[i];
  remember([item]);
  $("title").value = "";
  showOptions([]);
  $("title-said").textContent = `${plain(item)}: ${as}.`;
  judge(item.id, as);
}

async function suggest() {
  const text = $("title").value.trim();
  try {
    const found = await ask("items", new URLSearchParams({query: text, k: "8"}), "suggest");
    if ($("title") !== document.activeElement) return;
    showOptions(found.results);
    $("title-said").textContent = found.results.length ? `${plural(found.results.length, "title")}.`
      : `No title has words that begin like “${text}”.`;
  } catch (error) {
    if (error.name === "AbortError") return;
    showOptions([]);
    $("title-said").textContent = error.message;
  }
}

function listenTitle() {
  const input = $("title"), soon = later(120, () => input.value.trim() && suggest());
  const close = () => { lanes.get("suggest")?.abort(); showOptions([]); };
  input.addEventListener("input", () => {
    $("title-said").textContent = "";
    if (input.value.trim()) soon();
    else close();
  });
  input.addEventListener("blur", close);
  $("options").addEventListener("mousedown", event => event.preventDefault()); /* keeps the focus in the input */
  input.addEventListener("keydown", event => {
    const key = event.key;
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (options.length) activate(active < 0 && key === "ArrowUp" ? -1 : active + (key === "ArrowDown" ? 1 : -1));
      else suggest();
    } else if (key === "Enter" && options.length) choose(Math.max(active, 0), event.shiftKey ? "disliked" : "liked");
    else if (key === "Escape" && options.length) close();
    else if (key === "Escape") input.value = "";
    else return;
    event.preventDefault();
  });
}

/* ---- The panel: one item, and similar ones ---- */

let panelShows = "";
async function showPanel() {
  const dialog = $("panel"), body = $("panel-body"), id = state.item, judged = body.querySelector(".judge");
  if (!id || state.view) {
    panelShows = "";
    dialog.close();
  } else if (panelShows === id) {
    /* After a like or a dislike only the buttons change. */
    const held = judged?.contains(document.activeElement) ? document.activeElement.dataset.as : "";
    judged?.replaceChildren(...judgeButtons(catalogue.get(id)));
    judged?.querySelector(`[data-as="${held}"]`)?.focus();
  } else {
    panelShows = id;
    body.replaceChildren(make("h2", {id: "panel-title", tabIndex: -1, textContent: "One moment\u2026"}));
    if (!dialog.open) dialog.showModal();
    try {
      const path = `items/${encodeURIComponent(id)}`;
      const replies = [ask(path, null, "item"), ask(`${path}/similar`, new URLSearchParams({k: "8"}), "similar")];
      const [{item}, {results}] = await Promise.all(replies);
      remember([item, ...results]);
      body.replaceChildren(...panel(item, results));
      dialog.scrollTop = 0;
    } catch (error) {
      if (error.name === "AbortError") return;
      body.replaceChildren(make("h2", {id: "panel-title", tabIndex: -1, textContent: `No such ${noun.one}`}),
        make("p.problem", {role: "alert", textContent: error.message}));
    }
    $("panel-title").focus();
  }
}

function panel(item, results) {
  const about = [facts(item), item.ratings === undefined ? "" : plural(item.ratings, "rating")].filter(Boolean).join(" \u00b7 ");
  const title = make("h2", {id: "panel-title", tabIndex: -1, textContent: plain(item)});
  return [plate(item, info.genres), title, make("p.facts", about), make("div.judge", {}, ...judgeButtons(item)),
    make("h3", results.length ? `Similar ${noun.many}` : `No ${noun.one} is like it`),
    make("ol.similar", {}, ...results.map(other => make("li", {}, plate(other, info.genres),
      make("div", {}, opener(other), make("p.facts", facts(other)), meter(other.score / results[0].score)))))];
}

function listenDialogs() {
  const panel = $("panel"), token = $("token-dialog");
  $("panel-close").addEventListener("click", () => panel.close());
  /* Escape closes a dialog by itself. A click whose target is the dialog is outside its content. */
  panel.addEventListener("click", event => { if (event.target === panel) panel.close(); });
  panel.addEventListener("close", () => {
    if (!state.item) return;
    const id = state.item;
    state.item = "";
    changed();
    /* The dialog restores the focus, unless a like has replaced the cards in the meantime. */
    if (document.activeElement === document.body)
      ($("cards").querySelector(`h2 [data-id="${CSS.escape(id)}"]`) || $("results-title")).focus();
  });
  $("token-form").addEventListener("submit", event => {
    event.preventDefault();
    const value = $("token").value.trim();
    if (/^[!-~]+$/.test(value)) token.close(value);
    else $("token-said").textContent = "A token has letters, digits and signs of ASCII, and no spaces.";
  });
  $("token-cancel").addEventListener("click", () => token.close(""));
}

/* ---- Start ---- */

async function start() {
  try {
    info = await ask("info");
    fillForm();
    $("form").classList.add("ready");
    refresh();
  } catch (error) {
    if (error.name === "AbortError") return;
    show($("find"), true);
    show($("quality"), false);
    problem(error);
  }
}

function listen() {
  const soon = later(300, readForm);
  $("form").addEventListener("change", event => { if (event.target !== $("title")) readForm(); });
  const typed = "input:not([type=radio], [type=checkbox], #title), textarea";
  $("form").addEventListener("input", event => { if (event.target.matches(typed)) soon(); });
  $("form").addEventListener("submit", event => { event.preventDefault(); readForm(); });
  $("clear-filters").addEventListener("click", clearFilters);
  $("skip").addEventListener("click", event => { event.preventDefault(); (state.view ? $("main") : $("results-title")).focus(); });
  $("copy").addEventListener("click", async () => {
    const said = $("copy").lastElementChild;
    try {
      await navigator.clipboard.writeText(location.href);
      said.textContent = "Copied";
    } catch { /* without permission, or not over HTTPS */
      said.textContent = "It is in the address bar";
    }
    setTimeout(() => { said.textContent = "Copy link"; }, 2500);
  });
  const restore = () => { state = parse(location.hash); refresh(); };
  addEventListener("popstate", restore); /* also fired when a person or a link changes the hash */
  addEventListener("resize", later(200, () => { if (info && state.view === "quality") showQuality($("quality"), info); }));
  listenTitle();
  listenDialogs();
}

state = parse(location.hash);
listen();
refresh();
start();
