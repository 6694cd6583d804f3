/* The parts of the page: elements, words and numbers, plates instead of posters, charts, and the view that shows the quality of the
 * serving generation. Nothing here sends a request or knows the query.
 *
 * Every text of the service is untrusted and is set with textContent; no markup is made from strings. The security policy forbids
 * inline styles in markup: sizes and hues that depend on data are set through the CSSOM. */

/* ---- Elements and words ---- */

export const $ = id => document.getElementById(id);

/* make("p.said", {title: "x"}, child...): an element. Members whose names begin with "on" are listeners. A string instead of the
 * members is the element's text. */
export function make(what, members = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  return fill(Object.assign(document.createElement(tag), {className: classes.join(" ")}), members, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, members, children) {
  if (typeof members !== "object") node.textContent = members;
  else for (const [name, value] of Object.entries(members))
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof node[name] !== "object") node[name] = value;
    else if (value !== null) node.setAttribute(name, value);
  node.append(...children.filter(child => child !== null));
  return node;
}

export const icon = name => draw("svg", {class: "icon", "aria-hidden": "true"}, draw("use", {href: `#${name}`}));
export const button = (words, onclick, kind = "quiet") => make(`button.${kind}`, {type: "button", textContent: words, onclick});
export const show = (node, shown) => { node.hidden = !shown; };
const range = n => [...Array(n).keys()];
export const number = (value, digits = 0) =>
  value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
export const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
export const plural = (n, one, many = one + "s") => `${number(n)} ${n === 1 ? one : many}`;
export const list = words => new Intl.ListFormat("en-GB").format(words);
export const sentence = text => capital(text) + (/[.!?]$/.test(text) ? "" : ".");
export const later = (ms, run) => { let timer; return () => { clearTimeout(timer); timer = setTimeout(run, ms); }; };

/* What the data calls its items: one, and several. */
export const noun = {one: "item", many: "items"};
export const items = n => plural(n, noun.one, noun.many);

/* Takes the words from the service's info and writes them into the elements that are marked with data-noun. */
export function setNoun(words) {
  [noun.one, noun.many] = words || ["item", "items"];
  for (const node of document.querySelectorAll("[data-noun]"))
    node.textContent = node.dataset.noun === "Many" ? capital(noun.many) : noun.many;
}

/* Scores of the ranking model are small, so they are shown with about three significant digits. */
export const signed = score => (score < 0 ? "\u2212" : "+") + small(Math.abs(score));
export const small = score => score.toFixed(Math.abs(score) >= 1 ? 2 : Math.abs(score) >= 0.1 ? 3 : 4);

/* "Piano, The (1993)" → "The Piano": the year is shown separately. */
export function plain(item) {
  const title = item.title || `${capital(noun.one)} ${item.id}`;
  const bare = item.year && title.endsWith(` (${item.year})`) ? title.slice(0, -7) : title;
  const turned = /^(.+), (The|An?)( \(.*\))?$/.exec(bare);
  return turned ? `${turned[2]} ${turned[1]}${turned[3] || ""}` : bare;
}

/* A bar of a share of the whole. */
export function meter(share) {
  const bar = make("span.meter", {"aria-hidden": "true"}, make("span"));
  bar.firstChild.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return bar;
}

/* ---- Plates ---- */

/* A generator of numbers in [0, 1) that a text seeds (FNV-1a, then mulberry32): an item always looks the same. */
function dice(text) {
  let seed = 2166136261;
  for (const unit of text) seed = Math.imul(seed ^ unit.codePointAt(0), 16777619);
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/* Each draws within W x H; class a is the first genre's colour, b the second's, "line" is a stroke. */
const W = 320, H = 120;
const MOTIFS = [
  function rings(r) {
    const at = {cx: W * (0.55 + r() * 0.4), cy: H * (0.2 + r() * 0.7)};
    return range(7).map(i => draw("circle", {...at, r: 10 + 17 * i, class: `line ${i % 3 ? "a" : "b"}`}));
  },
  function dots(r) {
    const lean = r() * 0.6;
    return range(13 * 6).map(i => {
      const column = i % 13, row = Math.floor(i / 13), size = Math.max(0, (column - 3 + lean * row) * 0.75);
      return draw("circle", {cx: 12 + column * 25, cy: 10 + row * 21, r: Math.min(9, size), class: (column + row) % 5 ? "a" : "b"});
    });
  },
  function waves(r) {
    const shift = r() * 60, high = 8 + r() * 12;
    const wave = range(8).map(n => `q 15 ${n % 2 ? high : -high} 30 0 t 30 0`).join(" ");
    return range(7).map(i => draw("path", {class: `line ${i % 3 === 1 ? "b" : "a"}`, d: `M${-shift - 10} ${18 + i * 17} ${wave}`}));
  },
  function peaks(r) {
    return range(6).map(i => {
      const x = 100 + i * 44 + r() * 20, high = 40 + r() * 65, wide = 36 + r() * 34;
      return draw("path", {d: `M${x - wide} ${H} L${x} ${H - high} L${x + wide} ${H} Z`, class: i % 3 === 1 ? "b" : "a"});
    });
  },
  function rays(r) {
    const x = W * (0.6 + r() * 0.3), y = H + 8, spin = r(), at = turn => `${x + 400 * Math.cos(turn)} ${y - 400 * Math.sin(turn)}`;
    return range(11).map(i => (i + spin) * 0.29)
      .map((turn, i) => draw("path", {class: i % 4 ? "a" : "b", d: `M${x} ${y} L${at(turn)} L${at(turn + 0.13)} Z`}));
  },
  function towers(r) {
    return range(13).map(i => [i, 14 + r() * (20 + i * 6), r() < 0.25])
      .map(([i, height, second]) => draw("rect", {x: 66 + i * 20, y: H - height, width: 17, height, class: second ? "b" : "a"}));
  },
  function arcs(r) {
    return range(24).map(i => [80 + (i % 8) * 30, Math.floor(i / 8) * 40, r() < 0.5, r() < 0.22]).map(([x, y, flip, second]) =>
      draw("path", {class: second ? "b" : "a",
        d: flip ? `M${x} ${y} h30 a30 40 0 0 1 -30 40 Z` : `M${x + 30} ${y + 40} h-30 a30 40 0 0 1 30 -40 Z`}));
  },
];

/* A drawing instead of a poster. Its hues and motif depend on the genres' places in the list `known`, the rest on the title. */
export function plate(item, known, ...children) {
  const genres = item.genres?.length ? item.genres : [""], dies = dice(item.title || item.id);
  const place = genre => Math.max(0, known.indexOf(genre));
  const motif = MOTIFS[genres.reduce((sum, genre) => sum + place(genre), 0) % MOTIFS.length];
  const drawing = draw("svg", {viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "xMaxYMid slice", "aria-hidden": "true"});
  const node = make("div.plate", {}, drawing, ...children), first = Math.floor(dies() * genres.length);
  /* Neighbours in the list of genres are a golden angle apart. */
  const hue = i => (25 + place(genres[i % genres.length]) * 137.5) % 360;
  node.style.setProperty("--hue", hue(first));
  node.style.setProperty("--hue-2", hue(first + 1));
  drawing.append(...motif(dies));
  return node;
}

/* ---- Charts ---- */

/* About `n` round steps that cover [low, high]. */
function ticks(low, high, n) {
  const rough = (high - low || Math.abs(high) || 1) / n, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= rough * 0.999);
  const first = Math.floor(low / step + 1e-9), last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return {step, at: range(last - first + 1).map(i => (first + i) * step)};
}

/* Lines over x; series: {name, values: [[x, y]]}. `about` describes the drawing to people who cannot see it. */
function chart(series, about, labelOf, width) {
  const all = series.flatMap(s => s.values), height = 260, left = 56, right = series.length > 1 ? 92 : 28, top = 14, bottom = 32;
  const xs = all.map(p => p[0]), ys = all.map(p => p[1]), [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const grid = ticks(Math.min(...ys), Math.max(...ys), 4), [y0, y1] = [grid.at[0], grid.at.at(-1)];
  const X = x => left + (x1 > x0 ? (x - x0) / (x1 - x0) : 0.5) * (width - left - right);
  const Y = y => top + (y1 - y) / (y1 - y0) * (height - top - bottom);
  const digits = Math.max(0, Math.min(6, -Math.floor(Math.log10(grid.step))));
  const stride = Math.max(1, Math.ceil((x1 - x0 + 1) / Math.max(2, Math.floor(width / 110))));
  const svg = draw("svg", {class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about});
  for (const y of grid.at)
    svg.append(draw("line", {class: "grid", x1: left, x2: width - right, y1: Y(y), y2: Y(y)}),
      draw("text", {x: left - 8, y: Y(y) + 4, "text-anchor": "end"}, y.toFixed(digits)));
  for (let x = x0; x <= x1; x += stride) svg.append(draw("text", {x: X(x), y: height - 10, "text-anchor": "middle"}, labelOf(x)));
  /* Names at the lines' ends, moved apart where they would overlap. */
  let free = -Infinity;
  for (const [at, s] of series.map((s, i) => [i, s]).sort((a, b) => b[1].values.at(-1)[1] - a[1].values.at(-1)[1])) {
    const points = s.values.map(([x, y]) => [X(x), Y(y)]);
    svg.append(draw("polyline", {class: `curve curve-${at}`, points: points.join(" ")}));
    if (points.length < 30) svg.append(...points.map(([cx, cy]) => draw("circle", {class: `point curve-${at}`, cx, cy, r: 3})));
    free = Math.max(points.at(-1)[1] + 4, free + 15);
    if (series.length > 1) svg.append(draw("text", {class: `name curve-${at}`, x: width - right + 10, y: free}, s.name));
  }
  return svg;
}

/* ---- How good the serving generation is ---- */

const time = text => new Date(text).toLocaleString("en-GB", {dateStyle: "medium", timeStyle: "short"});
const day = text => new Date(text).toLocaleDateString("en-GB", {day: "numeric", month: "short"});
const clock = text => new Date(text).toLocaleTimeString("en-GB", {timeStyle: "short"});
const bytes = n => n < 1e6 ? `${number(n / 1e3)} kB` : `${number(n / 1e6, 1)} MB`;
const micros = us => us < 1000 ? `${number(us, us < 100 ? 1 : 0)} \u00b5s` : `${number(us / 1000, 1)} ms`;
const measure = value => Number.isFinite(value) ? number(value, 4) : "\u2013";
const better = quality => quality.more_is_better ? "more is better" : "less is better";

function curvePart(info, width) {
  const series = [["train", "training"], ["valid", "validation"], ["test", "test"]]
    .map(([key, name]) => ({name, values: info.curve.map(p => [p.epoch, p[key]]).filter(p => Number.isFinite(p[1]))}))
    .filter(s => s.values.length > 0);
  if (series.length === 0 && info.model === "retrieval")
    return [make("p.empty", "There is none: the model \u201cretrieval\u201d is solved at once, in closed form, not in epochs.")];
  if (series.length === 0) return [make("p.empty", "This generation keeps none of its training.")];
  const epochs = plural(info.curve.length, "epoch", "epochs");
  const last = list(series.map(s => `${s.name} ${measure(s.values.at(-1)[1])}`));
  return [make("p", `Error after each of ${epochs} over the ratings; less is better.`),
    chart(series, `Learning curve over ${epochs}; at the end ${last}`, x => x, width)];
}

function historyPart(info, width) {
  const told = g => g.quality && Number.isFinite(g.quality.value) ? `${g.quality.name} ${measure(g.quality.value)}` : "\u2013";
  const row = g => make(g.current ? "tr.current" : "tr", {},
    make("td", time(g.created) + (g.current ? ", serving" : ""), make("span", g.name)),
    ...[g.model, number(g.items), measure(g.recall), told(g)].map(text => make("td", text)));
  const head = ["Generation", "Model", capital(noun.many), "Recall", "Quality"]
    .map(text => make("th", {scope: "col", textContent: text}));
  const table = make("div.scroll", {tabIndex: 0, role: "region", "aria-label": "Generations"},
    make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...info.generations.map(row))));
  /* One line shows one measure only. */
  const {name} = info.quality;
  const past = info.generations.filter(g => g.quality?.name === name && Number.isFinite(g.quality.value)).reverse();
  if (past.length < 2) return [make("p", "A curve of it begins with the second generation."), table];
  const label = day(past[0].created) === day(past.at(-1).created) ? clock : day;
  const ends = [past[0], past.at(-1)].map(g => measure(g.quality.value));
  return [make("p", `${name} of each generation, the oldest first; ${better(info.quality)}.`),
    chart([{name, values: past.map((g, i) => [i, g.quality.value])}],
      `${name} over ${past.length} generations, from ${ends.join(" to ")}`, i => label(past[i].created), width), table];
}

/* Fills `page` from the service's info. */
export function showQuality(page, info) {
  const {index, quality} = info, width = Math.min(860, Math.max(300, page.clientWidth));
  const figure = (name, value, note) =>
    make("div.figure", {}, make("dt", name), make("dd", {}, make("b", value), make("span", note)));
  const section = (title, ...content) => make("section", {}, make("h2", title), ...content);
  const setting = ([name, value]) => make("div", {}, make("dt", name.replaceAll("_", " ")), make("dd", typeof value === "number" ?
    value.toLocaleString("en", {maximumSignificantDigits: 6, useGrouping: value >= 10000}) : String(value)));
  const settings = Object.entries(info.training || {}).filter(([, value]) => value !== null && typeof value !== "object");
  page.replaceChildren(make("h1", {id: "quality-title", textContent: "How good is it"}),
    make("p.lead", `The model \u201c${info.model}\u201d answers, in the generation made on ${time(info.created)}, ` +
      `for ${items(info.items)} and ${plural(info.users, "user")}.`),
    make("dl.figures", {},
      figure(quality.name || "Quality", measure(quality.value), Number.isFinite(quality.value) ?
        `On ratings held back from training; ${better(quality)}.` : "Not measured when it was made."),
      figure("Recall of the index", measure(index.recall), "Share of the exact best ten that the index finds."),
      figure("A search, median", micros(index.p50_us), `99 of 100 take at most ${micros(index.p99_us)}.`),
      figure("Index", index.factory, `${number(index.dim)} dimensions, ${bytes(index.bytes)}.`)),
    section("Quality, generation by generation", ...historyPart(info, width)),
    section("Learning curve", ...curvePart(info, width)),
    settings.length ? section("Training", make("dl.settings", {}, ...settings.map(setting))) : "");
}
