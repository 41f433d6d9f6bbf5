// Draws what was seen of a model. The data stands in the page; nothing is fetched.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.getElementById("root");
const WINDOW = 60;

const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};

// The controls of a view; `draw` is called with their values now and after every change.
function controlled(controls, draw) {
  const values = {};
  const target = el("div");
  const redraw = () => target.replaceChildren(...draw(values));
  const bar = el("div", {class: "controls"});
  for (const [name, control] of Object.entries(controls)) {
    if (!control) continue;
    values[name] = control.value;
    if (control.choices) {
      if (control.choices.length < 2) continue;
      const select = el("select", {onchange: () => { values[name] = +select.value; redraw(); }},
        ...control.choices.map((label, n) => el("option", {value: n}, label)));
      bar.append(el("label", {}, control.label, select));
    } else {
      const shown = el("output", {}, control.show(control.value));
      const slider = el("input", {type: "range", min: control.min, max: control.max, value: control.value, step: 1,
        oninput: () => { values[name] = +slider.value; shown.textContent = control.show(values[name]); redraw(); }});
      bar.append(el("label", {}, control.label, slider, shown));
    }
  }
  redraw();
  return bar.children.length ? [bar, target] : [target];
}

const choice = (label, choices, value = 0) => ({label, choices, value});
const scrolled = (figure, label) => el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": label}, figure);
const short = (text, n = 14) => { const t = text.trim() || "␣"; return t.length > n ? t.slice(0, n - 1) + "…" : t; };
const width = (columns, each = 26) => Math.max(Math.min(root.clientWidth, 1100), 90 + columns * each);

function bytes(text) {
  const raw = atob(text), result = new Uint8Array(raw.length);
  for (let n = 0; n < raw.length; n++) result[n] = raw.charCodeAt(n);
  return result;
}

// A part of a long sequence, moved with a slider.
function windowOf(steps) {
  if (steps.length <= WINDOW) return null;
  return {label: "Steps from", min: 0, max: steps.length - WINDOW, value: 0, show: n => `${n + 1}–${n + WINDOW}`};
}

function stepAxis(steps, first) {
  return {
    label: null, ticks: d3.range(steps.length).map(n => first + n + 0.5), tickRotate: steps.length > 6 ? -60 : 0,
    tickFormat: x => short(steps[Math.floor(x - first)] ?? ""), tickSize: 3,
  };
}

function gates(look) {
  const layers = look.gates;
  return controlled({
    layer: choice("Layer", layers.map(l => `${l.kind}, ${l.name}`)),
    gate: choice("Gate or state", d3.sort(new Set(layers.flatMap(l => Object.keys(l.values))), s => data.signs.indexOf(s))
      .map(s => `${data.sign_names[s]}`), 0),
    order: choice("Units sorted by", layers.map(l => Object.keys(l.orders)).sort((a, b) => b.length - a.length)[0]),
    first: windowOf(d3.range(Math.max(...layers.map(l => look.axes[l.axis].steps.length)))),
  }, chosen => drawGates(look, layers[chosen.layer], chosen));
}

function drawGates(look, layer, chosen) {
  const all = look.axes[layer.axis].steps;
  const first = Math.min(chosen.first ?? 0, Math.max(all.length - WINDOW, 0));
  const steps = all.slice(first, first + WINDOW);
  const signs = data.signs.filter(s => s in layer.values);
  const wanted = d3.sort(new Set(look.gates.flatMap(l => Object.keys(l.values))), s => data.signs.indexOf(s))[chosen.gate];
  const sign = signs.includes(wanted) ? wanted : signs[0];
  const rows = signs.flatMap(s => steps.map((_, n) => ({sign: s, step: first + n + 0.5, value: layer.means[s][first + n]})));
  const means = Plot.plot({
    width: width(steps.length), height: 260, marginBottom: 70, marginLeft: 45,
    x: {...stepAxis(steps, first), domain: [first, first + steps.length]},
    y: {label: "mean over units", grid: true}, color: {legend: true, domain: signs, scheme: "observable10"},
    marks: [Plot.ruleY([0]), Plot.lineY(rows, {x: "step", y: "value", stroke: "sign", curve: "step"}),
      Plot.dot(rows, {x: "step", y: "value", fill: "sign", r: 2, tip: true,
        title: d => `${d.sign} at ${short(all[Math.floor(d.step)], 40)}: ${d.value.toFixed(3)}`})],
  });
  const names = Object.keys(layer.orders), order = layer.orders[names[Math.min(chosen.order, names.length - 1)]];
  return [
    el("h2", {}, `Means of ${layer.units} units`), scrolled(means, "Means of the gates over the steps"),
    el("h2", {}, `${data.sign_names[sign]}, unit by unit`),
    ...heat(layer, sign, order, all, first, steps.length),
    el("h2", {}, "The equations"), el("div", {class: "equations"}, layer.equations.join("\n")),
    ...memory(layer),
  ];
}

function heat(layer, sign, order, all, first, count) {
  const image = layer.values[sign], k = layer.window, values = bytes(image.bytes);
  const columns = Math.ceil(all.length / k), from = Math.floor(first / k), to = Math.min(columns, Math.ceil((first + count) / k));
  const wide = to - from, grid = new Float64Array(layer.units * wide);
  const at = (row, column) => image.low + values[column * layer.units + order[row]] / 255 * (image.high - image.low);
  for (let row = 0; row < layer.units; row++)
    for (let column = 0; column < wide; column++) grid[row * wide + column] = at(row, from + column);
  const limit = Math.max(Math.abs(image.low), Math.abs(image.high), 1e-9);
  const hint = el("p", {class: "hint note"}, "Point at a cell to read it.");
  const figure = Plot.plot({
    width: width(count), height: Math.max(240, Math.min(420, layer.units * 2.6)) + 70, marginBottom: 70, marginLeft: 45,
    x: {...stepAxis(all.slice(first, first + count), first), domain: [first, first + count]},
    y: {label: "unit", domain: [layer.units, 0], ticks: 5},
    color: image.low < 0 ? {scheme: "RdBu", domain: [-limit, limit], legend: true} : {scheme: "viridis", domain: [0, Math.max(image.high, 1)], legend: true},
    marks: [Plot.raster(grid, {width: wide, height: layer.units, x1: from * k, x2: Math.min(to * k, all.length), y1: 0, y2: layer.units, imageRendering: "pixelated"})],
  });
  const svg = figure.tagName === "svg" ? figure : [...figure.querySelectorAll("svg")].at(-1);
  svg.addEventListener("pointermove", event => {
    const [px, py] = d3.pointer(event, svg);
    const step = Math.floor(figure.scale("x").invert(px)), row = Math.floor(figure.scale("y").invert(py));
    if (row < 0 || row >= layer.units || step < first || step >= first + count) return;
    hint.textContent = `${sign} of unit ${order[row] + 1} at ${step + 1} ${short(all[step], 40)}: ${at(row, Math.floor(step / k)).toFixed(3)}`;
  });
  const note = k > 1 ? [el("p", {class: "note"}, `A long input: each column is the mean of ${k} steps.`)] : [];
  return [scrolled(figure, `Heat map of ${sign}: units over steps`), hint, ...note];
}

function memory(layer) {
  if (!layer.time_constants) return [];
  const taus = layer.time_constants.map(t => Math.min(t, 1000));
  const figure = Plot.plot({
    width: Math.min(root.clientWidth, 700), height: 200, marginLeft: 45,
    x: {type: "log", tickFormat: "~g", label: "steps until a unit's memory has fallen to 1/e"}, y: {label: "units", grid: true},
    marks: [Plot.rectY(taus, Plot.binX({y: "count"}, {x: d => d, thresholds: d3.ticks(Math.log10(d3.min(taus)), Math.log10(d3.max(taus)) + 0.01, 24).map(t => 10 ** t), fill: "var(--accent)"})), Plot.ruleY([0])],
  });
  return [el("h2", {}, "Where the memory is kept"), el("p", {}, layer.memory + "."), scrolled(figure, "Time constants of the units")];
}

function gradient(look) {
  const axes = [...new Set(look.gradient.map(l => l.axis))];
  return controlled({
    axis: choice("Sequence", axes.map(a => look.axes[a].name)),
    scale: choice("Scale", ["logarithmic", "linear"]),
    first: windowOf(look.axes[axes[0]].steps),
  }, chosen => {
    const axis = axes[chosen.axis], all = look.axes[axis].steps, layers = look.gradient.filter(l => l.axis === axis);
    const first = Math.min(chosen.first ?? 0, Math.max(all.length - WINDOW, 0)), steps = all.slice(first, first + WINDOW);
    const rows = layers.flatMap(l => steps.map((_, n) => ({layer: l.name, step: first + n + 0.5, norm: Math.max(l.norms[first + n], 1e-12)})));
    const figure = Plot.plot({
      width: width(steps.length), height: 340, marginBottom: 70, marginLeft: 60,
      x: {...stepAxis(steps, first), domain: [first, first + steps.length]},
      y: {type: chosen.scale ? "linear" : "log", grid: true, label: "|∂loss/∂a<t>|", tickFormat: chosen.scale ? undefined : ".0e"},
      color: {legend: true, domain: layers.map(l => l.name), scheme: "observable10"},
      marks: [Plot.lineY(rows, {x: "step", y: "norm", stroke: "layer"}),
        Plot.dot(rows, {x: "step", y: "norm", fill: "layer", r: 3, tip: true, title: d => `${d.layer} at ${short(all[Math.floor(d.step)], 40)}: ${d.norm.toExponential(2)}`})],
    });
    return [
      el("p", {}, `The loss (${layers[0].loss.toFixed(4)} nats) takes the model's own answer for the truth. A layer that reads forward hands its gradient to earlier steps, one that reads backward to later ones.`),
      scrolled(figure, "Norm of the gradient at each step"),
      table(["layer", "the gradient has fallen to 1 % after"], layers.map(l => [l.name, l.reach])),
    ];
  });
}

function why(look) {
  const labels = look.contributions[0].scores;
  return controlled({
    score: choice("Why", labels),
    method: choice("Method", look.contributions.map(c => c.method), look.contributions.length - 1),
  }, chosen => {
    const own = look.contributions[chosen.method];
    const number = Math.max(own.scores.indexOf(labels[chosen.score]), 0);
    const parts = [];
    if (!own.scores.includes(labels[chosen.score]))
      parts.push(el("p", {class: "note"}, `By this method only some scores are explained; this is “${own.scores[number]}”.`));
    const sum = own.axes.flatMap((_, place) => own.values[place][number]).reduce((a, b) => a + b, 0);
    parts.push(el("p", {}, own.errors
      ? `The contributions add up to ${sum.toFixed(3)}; the score is ${own.totals[number].toFixed(3)} above that of an input that says nothing (missed by ${own.errors[number].toExponential(1)}).`
      : `How far the score falls when a step is left out${own.window > 1 ? ` (${own.window} steps at a time)` : ""}. These need not add up.`));
    own.axes.forEach((axis, place) => parts.push(...explained(look.axes[axis], own.values[place][number])));
    return parts;
  });
}

function explained(axis, values) {
  const most = Math.max(d3.max(values, Math.abs), 1e-9);
  const words = el("p", {class: "words"}, ...axis.steps.map((step, n) => {
    const share = Math.round(Math.abs(values[n]) / most * 70), colour = values[n] >= 0 ? "var(--for)" : "var(--against)";
    return el("span", {style: `background: color-mix(in srgb, ${colour} ${share}%, transparent)`, title: values[n].toFixed(3)}, step.startsWith(" ") || n === 0 ? step : axis.joined ? step : " " + step);
  }));
  const strongest = d3.sort(d3.range(values.length), n => -Math.abs(values[n])).slice(0, 20).sort((a, b) => a - b)
    .map(n => ({name: `${n + 1} ${short(axis.steps[n], 18)}`, value: values[n]}));
  const figure = Plot.plot({
    width: Math.min(root.clientWidth, 700), marginLeft: 150, height: 40 + strongest.length * 20,
    x: {label: "contribution", grid: true}, y: {label: null, domain: strongest.map(d => d.name)},
    marks: [Plot.barX(strongest, {y: "name", x: "value", fill: d => d.value >= 0 ? "var(--for)" : "var(--against)", tip: true}), Plot.ruleX([0])],
  });
  return [el("h2", {}, `Over the ${axis.name}`), words, scrolled(figure, "The strongest contributions")];
}

function decoding(look) {
  return look.decoding.flatMap(view => view.kind === "tree" ? [el("h2", {}, view.title), ...tree(view)]
    : [el("h2", {}, view.title), ...stepped(view)]);
}

// A heat map whose rows can be walked through one by one.
function stepped(view) {
  const slider = {label: "Step", min: 0, max: view.rows.length - 1, value: 0, show: n => short(view.rows[n], 24)};
  return controlled({row: view.rows.length > 1 ? slider : null}, chosen => {
    const row = chosen.row ?? 0, weights = view.weights[row];
    const first = Math.max(0, Math.min(row - WINDOW / 2, view.rows.length - WINDOW)), rows = view.rows.slice(first, first + WINDOW);
    const cells = rows.flatMap((_, r) => view.columns.map((_, c) => ({r: first + r, c, weight: view.weights[first + r][c]})));
    const figure = Plot.plot({
      width: Math.max(200 + view.columns.length * 30, 300), height: 90 + rows.length * 24, marginLeft: 130, marginTop: 90,
      x: {axis: "top", domain: d3.range(view.columns.length), tickFormat: c => short(view.columns[c], 12), tickRotate: -55, label: null},
      y: {domain: d3.range(first, first + rows.length), tickFormat: r => short(view.rows[r], 16), label: null},
      color: {scheme: "viridis", domain: [0, 1], legend: true, label: "weight"},
      marks: [Plot.cell(cells, {x: "c", y: "r", fill: "weight", inset: 0.5, title: d => `${view.rows[d.r]} → ${view.columns[d.c]}: ${d.weight.toFixed(3)}`, tip: true})],
    });
    const words = el("p", {class: "words"}, el("b", {}, short(view.rows[row], 30) + ": "), ...view.columns.map((column, c) =>
      el("span", {style: `background: color-mix(in srgb, var(--accent) ${Math.round(weights[c] * 80)}%, transparent)`, title: weights[c].toFixed(3)}, " " + (column.trim() || "␣"))));
    return [words, scrolled(figure, view.title)];
  });
}

function tree(view) {
  const depth = [], branches = view.branches;
  branches.forEach((b, n) => { depth[n] = b.parent < 0 ? 1 : depth[b.parent] + 1; });
  const deepest = d3.max(depth);
  return controlled({cut: choice("Show", ["what was kept and cut", "only what was kept"]),
    until: {label: "Steps", min: 1, max: deepest, value: deepest, show: n => n}}, chosen => {
    const shown = d3.range(branches.length).filter(n => depth[n] <= chosen.until && (!chosen.cut || branches[n].kept));
    const row = new Map(), filled = {};
    for (const n of d3.sort(shown, n => -branches[n].value)) { row.set(n, filled[depth[n]] = (filled[depth[n]] ?? 0) + 1); }
    const dots = shown.map(n => ({...branches[n], x: depth[n], y: row.get(n)}));
    const links = shown.filter(n => row.has(branches[n].parent)).map(n => ({x1: depth[n] - 1, y1: row.get(branches[n].parent), x2: depth[n], y2: row.get(n), best: branches[n].best, kept: branches[n].kept}));
    const figure = Plot.plot({
      width: Math.max(120 + chosen.until * 110, 320), height: 60 + (d3.max(dots, d => d.y) ?? 1) * 30, marginRight: 100, marginLeft: 30,
      x: {label: "step", ticks: d3.range(1, chosen.until + 1), tickFormat: "d", domain: [0.8, chosen.until + 0.2]}, y: {axis: null, domain: [(d3.max(dots, d => d.y) ?? 1) + 0.6, 0.4]},
      marks: [Plot.link(links, {x1: "x1", y1: "y1", x2: "x2", y2: "y2", stroke: d => d.best ? "var(--accent)" : "currentColor", strokeOpacity: d => d.best ? 1 : d.kept ? 0.5 : 0.15, strokeWidth: d => d.best ? 2.5 : 1}),
        Plot.dot(dots, {x: "x", y: "y", r: d => d.kept ? 4 : 2.5, fill: d => d.best ? "var(--accent)" : "currentColor", fillOpacity: d => d.kept ? 1 : 0.35}),
        Plot.text(dots, {x: "x", y: "y", text: d => short(d.label, 9) + " " + d.value.toFixed(1), dx: 7, textAnchor: "start", fillOpacity: d => d.kept ? 1 : 0.5, fontWeight: d => d.best ? 700 : 400})],
    });
    return [el("p", {class: "note"}, "Numbers are log-probabilities of the whole so far. Thick: the answer. Faint: cut."), scrolled(figure, view.title)];
  });
}

function training() {
  const t = data.training;
  const kinds = {"gradient norm before clipping": t.before, "gradient norm after clipping": t.after, "|update| / |weights|": t.update_ratio};
  const lines = (rows, y, label, log) => Plot.plot({
    width: Math.min(root.clientWidth, 1000), height: 280, marginLeft: 60, x: {label: "step"}, y: {label, type: log ? "log" : "linear", grid: true, tickFormat: log ? ".0e" : undefined},
    color: {legend: rows.some(d => d.layer), scheme: "observable10"},
    marks: [Plot.lineY(rows, {x: "step", y, stroke: rows.some(d => d.layer) ? "layer" : "var(--accent)", tip: true})]});
  const parts = controlled({kind: choice("Show", Object.keys(kinds)), layer: choice("Layer", ["all", ...t.layers])}, chosen => {
    const name = Object.keys(kinds)[chosen.kind], values = kinds[name];
    const rows = t.steps.flatMap((step, n) => t.layers.map((layer, l) => ({step, layer, value: Math.max(values[n][l], 1e-12)})))
      .filter(d => !chosen.layer || d.layer === t.layers[chosen.layer - 1]);
    return [scrolled(lines(rows, "value", name, true), name)];
  });
  const single = (name, values) => [el("h2", {}, name), scrolled(lines(t.steps.map((step, n) => ({step, value: values[n]})), "value", name), name)];
  return [...parts, ...single("loss of a step, nats", t.loss), ...single("share of steps that were clipped", t.clipped),
    el("h2", {}, "Gates and units, on validation examples"),
    t.epochs.length ? table(["gate", ...t.epochs.map(e => `step ${e}`)], t.gates.map((g, n) => [`${g}, saturated`, ...t.saturated.map(r => (100 * r[n]).toFixed(1) + " %")])
      .concat(t.states.map((s, n) => [`${s}, dead units`, ...t.dead.map(r => (100 * r[n]).toFixed(1) + " %")]))) : "Not looked at.",
    el("p", {class: "note"}, "Saturated: below 0.1 or above 0.9. Dead: a hidden state that moves by less than 0.01.")];
}

function table(columns, rows) {
  return el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": columns[0]}, el("table", {},
    el("thead", {}, el("tr", {}, ...columns.map(c => el("th", {scope: "col"}, c)))),
    el("tbody", {}, ...rows.map(row => el("tr", {}, ...row.map(cell => el("td", {}, String(cell))))))));
}

const VIEWS = [
  ["Gates", look => look?.gates.length, gates], ["Gradient through time", look => look?.gradient.length, gradient],
  ["Why this answer", look => look?.contributions.some(c => c.scores.length), why],
  ["How it was found", look => look?.decoding.length, decoding], ["Training", () => data.training, training],
];

let look = 0, view = 0;
function render() {
  const current = data.looks[look], open = VIEWS.filter(v => v[1](current));
  view = Math.min(view, Math.max(open.length - 1, 0));
  const picker = el("select", {"aria-label": "Input", onchange: event => { look = +event.target.value; render(); }},
    ...data.looks.map((l, n) => el("option", {value: n, ...(n === look ? {selected: ""} : {})}, short(l.title, 80))));
  const tabs = open.map(([name], n) => el("button", {role: "tab", "aria-selected": n === view, tabindex: n === view ? 0 : -1, onclick: () => { view = n; render(); },
    onkeydown: event => {
      const move = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (move) { view = (view + move + open.length) % open.length; render(); document.querySelector("[role=tab][aria-selected=true]").focus(); }
    }}, name));
  const panel = el("section", {role: "tabpanel"});
  root.replaceChildren(
    el("header", {}, el("h1", {}, `Inside ${data.model}`), el("p", {class: "note"}, `A model of the task ${data.task}. ${data.looks.length > 1 ? "Input:" : ""} `, ...(data.looks.length > 1 ? [picker] : []))),
    ...(current ? [el("p", {}, current.title), el("p", {class: "answer"}, current.answer)] : []),
    el("nav", {role: "tablist", "aria-label": "Views"}, ...tabs), panel);
  if (open.length) panel.append(...open[view][2](current));
  for (const remark of data.remarks) panel.append(el("p", {class: "note"}, `Not shown: ${remark}`));
}
render();
let resized, wide = innerWidth; // the height changes whenever a phone hides its address bar
addEventListener("resize", () => {
  clearTimeout(resized);
  resized = setTimeout(() => { if (innerWidth !== wide) { wide = innerWidth; render(); } }, 150);
});
