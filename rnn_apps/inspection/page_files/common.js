// What the pages share: controls, and the pictures of gates. The data stands in the page; nothing is fetched.
const data = JSON.parse(document.getElementById("data").textContent);
const root = document.getElementById("root");
const WINDOW = 60;
const say = words => data.text?.words?.[words] ?? words; // in the language of the page

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

const choice = (label, choices, value = 0) => ({label: say(label), choices: choices.map(say), value});
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
  return {label: say("Steps from"), min: 0, max: steps.length - WINDOW, value: 0, show: n => `${n + 1}–${n + WINDOW}`};
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
    y: {label: say("mean over units"), grid: true}, color: {legend: true, domain: signs, scheme: "observable10"},
    marks: [Plot.ruleY([0]), Plot.lineY(rows, {x: "step", y: "value", stroke: "sign", curve: "step"}),
      Plot.dot(rows, {x: "step", y: "value", fill: "sign", r: 2, tip: true,
        title: d => `${d.sign} at ${short(all[Math.floor(d.step)], 40)}: ${d.value.toFixed(3)}`})],
  });
  const names = Object.keys(layer.orders), order = layer.orders[names[Math.min(chosen.order, names.length - 1)]];
  return [
    el("h2", {}, `${say("Means over the units")} (${layer.units})`), scrolled(means, "Means of the gates over the steps"),
    el("h2", {}, `${say(data.sign_names[sign])}, ${say("unit by unit")}`),
    ...heat(layer, sign, order, all, first, steps.length),
    el("h2", {}, say("The equations")), el("div", {class: "equations"}, layer.equations.map(say).join("\n")),
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
  const hint = el("p", {class: "hint note"}, say("Point at a cell to read it."));
  const figure = Plot.plot({
    width: width(count), height: Math.max(240, Math.min(420, layer.units * 2.6)) + 70, marginBottom: 70, marginLeft: 45,
    x: {...stepAxis(all.slice(first, first + count), first), domain: [first, first + count]},
    y: {label: say("unit"), domain: [layer.units, 0], ticks: 5},
    color: image.low < 0 ? {scheme: "RdBu", domain: [-limit, limit], legend: true, marginLeft: 14} : {scheme: "viridis", domain: [0, Math.max(image.high, 1)], legend: true, marginLeft: 14},
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
    x: {type: "log", tickFormat: "~g", label: say("steps until a unit's memory has fallen to 1/e")}, y: {label: say("units"), grid: true},
    marks: [Plot.rectY(taus, Plot.binX({y: "count"}, {x: d => d, thresholds: d3.ticks(Math.log10(d3.min(taus)), Math.log10(d3.max(taus)) + 0.01, 24).map(t => 10 ** t), fill: "var(--accent)"})), Plot.ruleY([0])],
  });
  return [el("h2", {}, say("Where the memory is kept")), ...(data.text ? [] : [el("p", {}, layer.memory + ".")]), scrolled(figure, "Time constants of the units")];
}

function table(columns, rows) {
  return el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": columns[0]}, el("table", {},
    el("thead", {}, el("tr", {}, ...columns.map(c => el("th", {scope: "col"}, c)))),
    el("tbody", {}, ...rows.map(row => el("tr", {}, ...row.map(cell => el("td", {}, String(cell))))))));
}

// Buttons of which one is pressed, for the mouse and the arrow keys.
function tabList(names, chosen, label, choose) {
  return el("nav", {role: "tablist", "aria-label": label}, ...names.map((name, n) => el("button", {
    role: "tab", "aria-selected": n === chosen, tabindex: n === chosen ? 0 : -1, onclick: () => choose(n),
    onkeydown: event => {
      const move = {ArrowRight: 1, ArrowLeft: -1}[event.key];
      if (!move) return;
      choose((chosen + move + names.length) % names.length);
      document.querySelector("[role=tab][aria-selected=true]").focus();
    }}, name)));
}

function onNewWidth(draw) {
  let resized, wide = innerWidth; // the height changes whenever a phone hides its address bar
  addEventListener("resize", () => {
    clearTimeout(resized);
    resized = setTimeout(() => { if (innerWidth !== wide) { wide = innerWidth; draw(); } }, 150);
  });
}
