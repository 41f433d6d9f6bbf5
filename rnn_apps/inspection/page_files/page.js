// The page of what was seen of a model: a tab for each view.
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
      color: {scheme: "viridis", domain: [0, 1], legend: true, marginLeft: 10, label: "weight"},
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
  const panel = el("section", {role: "tabpanel"});
  root.replaceChildren(
    el("header", {}, el("h1", {}, `Inside ${data.model}`), el("p", {class: "note"}, `A model of the task ${data.task}. ${data.looks.length > 1 ? "Input:" : ""} `, ...(data.looks.length > 1 ? [picker] : []))),
    ...(current ? [el("p", {}, current.title), el("p", {class: "answer"}, current.answer)] : []),
    tabList(open.map(v => v[0]), view, "Views", n => { view = n; render(); }), panel);
  if (open.length) panel.append(...open[view][2](current));
  for (const remark of data.remarks) panel.append(el("p", {class: "note"}, `Not shown: ${remark}`));
}
render();
onNewWidth(render);
