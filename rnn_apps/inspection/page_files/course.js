// The course: seven pages, each drawn from what was measured. What a slider changes is computed here.
const text = data.text, measured = data.measured;
const filled = (words, values) => words.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
const paragraphs = (page, values = {}) => text[page].text.map(words => el("p", {}, filled(words, values)));
const number = (value, digits = 3) => (value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);
const vector = (values, digits = 3) => `(${values.map(v => number(v, digits)).join(", ")})`;
const times = (matrix, values) => matrix.map(row => d3.sum(row, (weight, n) => weight * values[n]));
const transposed = matrix => d3.transpose(matrix);
const wide = (most = 800) => Math.min(root.clientWidth, most);

function shapes() {
  const all = measured.shapes;
  return [...paragraphs("shapes"), ...controlled({shape: choice(text.shapes.shape, all.map(s => s.shape))}, chosen => {
    const own = all[chosen.shape];
    return [el("p", {class: "answer"}, text.shapes[own.shape]), ...shapeOf(own), el("p", {class: "note"}, filled(text.shapes.took, own))];
  })];
}

function shapeOf(own) {
  if (own.image) {
    const cells = own.image.flatMap((row, y) => row.map((ink, x) => ({x, y, ink})));
    const figure = Plot.plot({width: 200, height: 200, margin: 0, x: {axis: null}, y: {axis: null}, color: {scheme: "viridis"},
      marks: [Plot.cell(cells, {x: "x", y: "y", fill: "ink"})]});
    return [scrolled(figure, text.shapes.input), el("p", {}, `→ ${own.output}`)];
  }
  if (own.notes) {
    const figure = Plot.plot({width: wide(), height: 220, x: {label: text.step}, y: {label: "MIDI"},
      marks: [Plot.barX(own.notes.map(([pitch, start, length]) => ({pitch, start, end: start + length})), {x1: "start", x2: "end", y: "pitch", fill: "var(--accent)", inset: 0.5})]});
    return [scrolled(figure, text.shapes.output)];
  }
  if (own.pairs) return [table([text.shapes.input, text.shapes.output], own.pairs)];
  return [table([text.shapes.input, text.shapes.output], [[own.input, own.output]])];
}

// a<1> … a<T> of the tiny network for these inputs.
function forward(inputs) {
  const {Wax, Waa, ba} = measured.tiny, states = [[0, 0, 0]];
  for (const x of inputs) {
    const read = times(Wax, x), kept = times(Waa, states.at(-1));
    states.push(ba.map((bias, n) => Math.tanh(read[n] + kept[n] + bias)));
  }
  return states;
}

function tiny() {
  const own = measured.tiny, T = own.inputs.length;
  return [...paragraphs("tiny"), ...controlled({
    step: {label: text.step, min: 1, max: T, value: 1, show: t => `t = ${t}`},
    first: {label: text.tiny.change, min: -20, max: 20, value: Math.round(own.inputs[0][0] * 10), show: v => number(v / 10, 1)},
  }, ({step, first}) => {
    const inputs = own.inputs.map((x, n) => n ? x : [first / 10, x[1]]), states = forward(inputs);
    const x = inputs[step - 1], before = states[step - 1];
    const read = times(own.Wax, x), kept = times(own.Waa, before), y = d3.sum(own.Wya[0], (w, n) => w * states[T][n]) + own.by[0];
    const rows = states.slice(1).flatMap((a, t) => a.map((value, unit) => ({t: t + 1, unit: `a${unit + 1}`, value})));
    const figure = Plot.plot({width: wide(), height: 240, x: {label: text.step, ticks: d3.range(1, T + 1), tickFormat: "d"}, y: {domain: [-1, 1], grid: true, label: "a<t>"}, color: {legend: true, scheme: "observable10"},
      marks: [Plot.ruleX([step], {strokeDasharray: "4"}), Plot.lineY(rows, {x: "t", y: "value", stroke: "unit", marker: true})]});
    return [
      el("div", {class: "equations"}, [
        `a<${step}> = tanh(Wax x<${step}> + Waa a<${step - 1}> + ba)`,
        `x<${step}> = ${vector(x, 1)}      ${text.tiny.reads}`, `a<${step - 1}> = ${vector(before)}      ${text.tiny.was}`, "",
        ...own.ba.map((bias, n) => `a${n + 1} = tanh(${number(read[n])} + ${number(kept[n])} + ${number(bias, 1)}) = ${number(states[step][n])}`), "",
        `a<${step}> = ${vector(states[step])}      ${text.tiny.is}`,
      ].join("\n")),
      scrolled(figure, "a<t>"),
      el("p", {}, filled(text.tiny.says, {T, y: number(y, 4), layer: number(own.output, 4)})),
    ];
  })];
}

function bptt() {
  const own = measured.tiny, T = own.inputs.length, states = forward(own.inputs);
  const y = d3.sum(own.Wya[0], (w, n) => w * states[T][n]) + own.by[0], gradients = [];
  gradients[T] = own.Wya[0].map(w => w * (y - own.target));
  for (let t = T - 1; t >= 1; t--)
    gradients[t] = times(transposed(own.Waa), gradients[t + 1].map((g, n) => g * (1 - states[t + 1][n] ** 2)));
  const difference = d3.max(d3.range(1, T + 1).flatMap(t => gradients[t].map((g, n) => Math.abs(g - own.gradients[t - 1][n]))));
  return [...paragraphs("bptt"), ...controlled({back: {label: text.step, min: 1, max: T, value: T - 1, show: t => `t = ${t}`}}, ({back: t}) => {
    const figure = Plot.plot({width: wide(), height: 220, x: {label: text.step, ticks: d3.range(1, T + 1), tickFormat: "d"}, y: {label: text.bptt.norm, grid: true},
      marks: [Plot.ruleX([t], {strokeDasharray: "4"}), Plot.lineY(d3.range(1, T + 1), {x: d => d, y: d => Math.hypot(...gradients[d]), stroke: "var(--accent)", marker: true}), Plot.ruleY([0])]});
    const lines = t === T ? [`∂L/∂a<${T}> = Wyaᵀ (ŷ − y) = Wyaᵀ (${number(y)} − ${number(own.target, 1)})`]
      : [`∂L/∂a<${t}> = Waaᵀ ((1 − a<${t + 1}>²) * ∂L/∂a<${t + 1}>)`, `1 − a<${t + 1}>² = ${vector(states[t + 1].map(a => 1 - a * a))}`, `∂L/∂a<${t + 1}> = ${vector(gradients[t + 1])}`];
    return [el("div", {class: "equations"}, [...lines, `∂L/∂a<${t}> = ${vector(gradients[t])}`].join("\n")), scrolled(figure, text.bptt.norm),
      table(["", text.bptt.equation, text.bptt.layer], d3.range(T, 0, -1).map(s => [`∂L/∂a<${s}>`, vector(gradients[s], 4), vector(own.gradients[s - 1], 4)])),
      el("p", {class: "note"}, filled(text.bptt.agree, {difference: difference.toExponential(1)}))];
  })];
}

const CELL_NAMES = {simple_rnn: "SimpleRNN", gru: "GRU", lstm: "LSTM"};

function vanishing() {
  const own = measured.vanishing;
  const accuracies = Object.entries(own.accuracy).flatMap(([cell, values]) => values.map((value, n) => ({cell: CELL_NAMES[cell], distance: own.distances[n], value})));
  const learnt = Plot.plot({width: wide(), height: 260, marginLeft: 50, x: {type: "log", base: 2, ticks: own.distances, tickFormat: "d", label: text.distance}, y: {domain: [0, 1.02], grid: true, label: text.accuracy, tickFormat: "%"}, color: {legend: true, scheme: "observable10", domain: Object.values(CELL_NAMES)},
    marks: [Plot.ruleY([own.chance], {strokeDasharray: "4"}), Plot.lineY(accuracies, {x: "distance", y: "value", stroke: "cell", marker: true, tip: true})]});
  return [...paragraphs("vanishing"),
    el("h2", {}, text.vanishing.gradient),
    ...controlled({radius: {label: text.vanishing.scale, min: 0, max: own.radii.length - 1, value: Math.min(2, own.radii.length - 1), show: n => own.radii[n]}}, ({radius}) => {
      const rows = Object.entries(own.gradient).flatMap(([cell, curves]) => curves[radius].map((norm, d) => ({cell: CELL_NAMES[cell], d, norm: Math.max(norm, 1e-12)})));
      return [scrolled(Plot.plot({width: wide(), height: 300, marginLeft: 60, x: {label: text.distance}, y: {type: "log", domain: [1e-12, 1e3], clamp: true, grid: true, ticks: 6, tickFormat: ".0e", label: "|∂a<T>/∂a<T-d>|"}, color: {legend: true, scheme: "observable10", domain: Object.values(CELL_NAMES)},
        marks: [Plot.ruleY([1], {strokeDasharray: "4"}), Plot.lineY(rows, {x: "d", y: "norm", stroke: "cell", tip: true})]}), text.vanishing.gradient)];
    }),
    el("h2", {}, text.vanishing.accuracy), el("p", {}, filled(text.vanishing.accuracy_text, {updates: own.updates, chance: own.chance})), scrolled(learnt, text.vanishing.accuracy)];
}

function clipping() {
  const own = measured.clipping, kinds = Object.keys(own.runs);
  return [...paragraphs("clipping", own), ...controlled({kind: choice(text.clipping.kind, kinds.map(k => text.clipping[k]))}, ({kind}) => {
    const run = own.runs[kinds[kind]];
    const line = (rows, options) => Plot.plot({width: wide(), height: 230, marginLeft: 60, x: {label: text.step, domain: [0, 80]}, ...options, marks: rows});
    const losses = kinds.flatMap(k => own.runs[k].losses.map((loss, n) => ({k, n, loss, own: k === kinds[kind]})));
    const norms = run.norms.flatMap((norm, n) => [{n, norm: Math.max(norm, 1e-6), when: text.clipping.before}, {n, norm: Math.max(run.clipped[n], 1e-6), when: text.clipping.after}]);
    return [
      scrolled(line([Plot.lineY(losses, {x: "n", y: "loss", z: "k", stroke: d => d.own ? "var(--accent)" : "currentColor", strokeOpacity: d => d.own ? 1 : 0.2, strokeWidth: d => d.own ? 2 : 1}), Plot.ruleY([1.386], {strokeDasharray: "4"})],
        {y: {label: text.loss, grid: true, domain: [0, d3.max(losses, d => d.loss)]}}), text.loss),
      el("p", {}, filled(text.clipping.end, {loss: run.losses.at(-1).toFixed(2)})),
      el("h2", {}, text.clipping.norms),
      scrolled(line([Plot.lineY(norms, {x: "n", y: "norm", stroke: "when"})], {y: {type: "log", grid: true, tickFormat: ".0e", label: null}, color: {legend: true, scheme: "observable10"}}), text.clipping.norms),
    ];
  })];
}

function gatePage() {
  if (!data.looks) return [...paragraphs("gates"), el("p", {}, text.gates.missing)];
  return [...paragraphs("gates"), ...controlled({sentence: choice(text.gates.sentence, data.looks.map(l => short(l.title, 60)))}, ({sentence}) =>
    [el("p", {class: "answer"}, `${data.looks[sentence].title} → ${data.looks[sentence].answer}`), ...gates(data.looks[sentence])])];
}

function depth() {
  const rows = Object.entries(measured.depth).map(([kind, value]) => ({kind: text.depth[kind], value}));
  const figure = Plot.plot({width: wide(), height: 180, marginLeft: 170, x: {domain: [0, 1], tickFormat: "%", grid: true, label: text.accuracy}, y: {label: null, domain: rows.map(d => d.kind)},
    marks: [Plot.barX(rows, {x: "value", y: "kind", fill: "var(--accent)"}), Plot.text(rows, {x: "value", y: "kind", text: d => d3.format(".1%")(d.value), textAnchor: "end", dx: -6, fill: "Canvas"}), Plot.ruleX([0.5], {strokeDasharray: "4"})]});
  return [...paragraphs("depth", {updates: 350}), scrolled(figure, text.accuracy)];
}

const PAGES = [["shapes", shapes], ["tiny", tiny], ["bptt", bptt], ["vanishing", vanishing], ["clipping", clipping], ["gates", gatePage], ["depth", depth]];
let page = 0;
function render() {
  const [name, draw] = PAGES[page];
  root.replaceChildren(el("header", {}, el("h1", {}, text.title), el("p", {class: "note"}, filled(text.intro, data))),
    tabList(PAGES.map(p => text[p[0]].title), page, text.pages, n => { page = n; render(); }),
    el("section", {role: "tabpanel"}, el("h2", {}, text[name].title), ...draw()));
}
render();
onNewWidth(render);
