// Asks the server for what props.request says, and shows the answer as it comes. Each line of it is the HTML of all that
// there is so far. Gradio gives element, props and watch.
const place = () => element.querySelector("[aria-live]");
let running = new AbortController();

async function ask({ door, name, given, options, told }) {
  running.abort(); // nobody waits for the answer before
  const { signal } = (running = new AbortController());
  if (told) {
    place().innerHTML = told;
    return;
  }
  place().setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`${window.gradio_config?.root ?? ""}/${door}/${encodeURIComponent(name)}`, {
      method: "POST", body: JSON.stringify({ given, options }), signal,
    });
    if (!response.ok) throw new Error((await response.json()).error);
    await show(response.body.pipeThrough(new TextDecoderStream()).getReader());
  } catch (error) {
    if (!signal.aborted) complain(error.message);
  } finally {
    if (!signal.aborted) place().removeAttribute("aria-busy");
  }
}

async function show(reader) {
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (text += value ?? "").split("\n");
    text = lines.pop();
    if (lines.length) place().innerHTML = JSON.parse(lines.at(-1));
    if (done) return;
  }
}

function complain(message) {
  const line = document.createElement("p");
  line.className = "error";
  line.role = "alert";
  line.textContent = `The server cannot be reached, or has not answered: ${message}`;
  place().replaceChildren(line);
}

watch("request", () => props.request && ask(props.request));
