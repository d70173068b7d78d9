// A small line chart as SVG, built node by node. Knows numbers and a frame; knows nothing of machines.

const NAMESPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [300, 60];

function node(tag, attributes) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/** The path through `values` (null: a gap), scaled to 0..`top`, spread over `length` places from the right. */
export function path(values, top, length) {
  const step = WIDTH / Math.max(1, length - 1);
  const first = length - values.length;
  let pen = "M";
  return values
    .map((value, index) => {
      if (typeof value !== "number" || !Number.isFinite(value)) {
        pen = "M";
        return "";
      }
      const y = HEIGHT - (Math.min(Math.max(0, value), top) / (top || 1)) * HEIGHT;
      const part = `${pen}${((first + index) * step).toFixed(1)} ${y.toFixed(1)}`;
      pen = "L";
      return part;
    })
    .join("");
}

/** An <svg> of `values`; `label` says in words what it shows. */
export function chart(values, { top, length, label }) {
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label, class: "chart" });
  for (const y of [0, HEIGHT / 2, HEIGHT]) svg.append(node("line", { x1: 0, x2: WIDTH, y1: y, y2: y, class: "chart-grid" }));
  svg.append(node("path", { d: path(values, top, length), class: "chart-line", "vector-effect": "non-scaling-stroke" }));
  return svg;
}
