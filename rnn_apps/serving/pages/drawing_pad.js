// A pad to draw on with a mouse, a finger or the keyboard.
// props.value is what is drawn: rows of ink from 0 to 255. Gradio gives element, props, trigger and watch.
const canvas = element.querySelector("canvas");
const pen = element.querySelector(".pen");
const paper = canvas.getContext("2d", { willReadFrequently: true });
const { width, height } = canvas;
let at = [width / 2, height / 2];
let down = false;

function moveTo(x, y) {
  const from = at;
  at = [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
  pen.style.left = `${(100 * at[0]) / width}%`;
  pen.style.top = `${(100 * at[1]) / height}%`;
  if (!down) return;
  paper.lineWidth = width / 8;
  paper.lineCap = "round";
  paper.beginPath();
  paper.moveTo(...from);
  paper.lineTo(...at);
  paper.stroke();
}

function lift(isDown) {
  down = isDown;
  pen.classList.toggle("down", down);
  if (down) moveTo(...at);
}

function tell() {
  const { data } = paper.getImageData(0, 0, width, height);
  props.value = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => data[4 * (y * width + x) + 3]));
  trigger("input");
}

function show(rows) {
  const image = paper.createImageData(width, height);
  (rows || []).forEach((row, y) => row.forEach((ink, x) => { image.data[4 * (y * width + x) + 3] = ink; }));
  paper.putImageData(image, 0, 0);
}

function follow(event) {
  const box = canvas.getBoundingClientRect();
  moveTo(((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height);
}

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  lift(false);
  follow(event);
  lift(true);
});
canvas.addEventListener("pointermove", (event) => event.buttons && follow(event));
canvas.addEventListener("pointerup", () => { lift(false); tell(); });
canvas.addEventListener("pointercancel", () => { lift(false); tell(); });

const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
canvas.addEventListener("keydown", (event) => {
  const step = steps[event.key];
  if (step) moveTo(at[0] + (step[0] * width) / 32, at[1] + (step[1] * height) / 32);
  else if (event.key === " ") lift(!down);
  else if (event.key === "Delete" || event.key === "Backspace") show([]);
  else return;
  event.preventDefault();
  if (!step || down) tell();
});

element.querySelector("button").addEventListener("click", () => { lift(false); show([]); tell(); });
watch("value", () => show(props.value));
show(props.value);
