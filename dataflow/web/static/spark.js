// Spark: numbers in, a small curve without axes out.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [160, 32];

/** Make a curve of values, and say in words what it shows. */
export function sparkOf() {
  const element = document.createElementNS(SVG, "svg");
  element.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  element.setAttribute("preserveAspectRatio", "none");
  element.setAttribute("role", "img");
  element.classList.add("spark");
  const [area, line] = ["area", "line"].map((name) => {
    const path = document.createElementNS(SVG, "path");
    path.classList.add(name);
    element.append(path);
    return path;
  });
  return {
    element,
    show(values, label) {
      element.setAttribute("aria-label", label);
      const most = Math.max(1e-9, ...values);
      const step = WIDTH / Math.max(1, values.length - 1);
      const points = values.map((value, place) => `${(place * step).toFixed(1)},${(HEIGHT - 2 - ((HEIGHT - 4) * value) / most).toFixed(1)}`);
      line.setAttribute("d", points.length > 1 ? `M${points.join("L")}` : "");
      area.setAttribute("d", points.length > 1 ? `M0,${HEIGHT}L${points.join("L")}L${WIDTH},${HEIGHT}Z` : "");
    },
  };
}
