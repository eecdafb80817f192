"use strict";
const stack = JSON.parse(document.getElementById("slices").textContent);
const controls = Object.fromEntries(["slice", "level", "width", "zoom"].map((name) => [name, document.getElementById(name)]));
const shown = Object.fromEntries(Object.keys(controls).map((name) => [name, document.getElementById(name + "-shown")]));
const scratch = document.createElement("canvas");
scratch.width = stack.width;
scratch.height = stack.height;
const pen = scratch.getContext("2d", { willReadFrequently: true });
const view = { x: 0.5, y: 0.5 };
const panes = stack.names.map((name, index) => ({
  canvas: document.getElementById("pane-" + index),
  synthetic: name === stack.synthetic,
  pictures: stack.pictures[index].map(() => null),
  sources: stack.pictures[index],
}));

function number(name) { return Number(controls[name].value); }

function picture(pane, slice) {
  if (!pane.pictures[slice]) {
    const image = new Image();
    image.onload = draw;
    image.src = pane.sources[slice];
    pane.pictures[slice] = image;
  }
  return pane.pictures[slice];
}

function windowed(image) {
  pen.drawImage(image, 0, 0);
  const pixels = pen.getImageData(0, 0, stack.width, stack.height);
  const lower = number("level") - number("width") / 2;
  const table = new Uint8ClampedArray(256);
  for (let grey = 0; grey < 256; grey++) {
    const hu = stack.lowest + grey * (stack.highest - stack.lowest) / 255;
    table[grey] = 255 * (hu - lower) / number("width");
  }
  for (let k = 0; k < pixels.data.length; k += 4) {
    pixels.data[k] = pixels.data[k + 1] = pixels.data[k + 2] = table[pixels.data[k]];
  }
  pen.putImageData(pixels, 0, 0);
}

function write(ctx, text, x, y, colour, align) {
  ctx.textAlign = align;
  ctx.textBaseline = "middle";
  ctx.lineWidth = 4;
  ctx.strokeStyle = "#0c0e11";
  ctx.fillStyle = colour;
  ctx.strokeText(text, x, y);
  ctx.fillText(text, x, y);
}

function draw() {
  const slice = number("slice"), zoom = number("zoom") / 100;
  const half = 0.5 / zoom;
  view.x = Math.min(1 - half, Math.max(half, view.x));
  view.y = Math.min(1 - half, Math.max(half, view.y));
  for (const pane of panes) {
    const image = picture(pane, slice), canvas = pane.canvas, ctx = canvas.getContext("2d");
    if (!image.complete) continue;
    windowed(image);
    ctx.imageSmoothingQuality = "high";
    ctx.drawImage(scratch, (view.x - half) * stack.width, (view.y - half) * stack.height, stack.width / zoom, stack.height / zoom,
      0, 0, canvas.width, canvas.height);
    const size = Math.round(12 * canvas.width / Math.max(1, canvas.clientWidth));
    ctx.font = "600 " + size + "px system-ui, sans-serif";
    write(ctx, "R", size, canvas.height / 2, "#e6e9ee", "center");
    write(ctx, "L", canvas.width - size, canvas.height / 2, "#e6e9ee", "center");
    if (pane.synthetic) {
      write(ctx, canvas.clientWidth < 240 ? "SYNTHETIC" : "SYNTHETIC, research only", size / 2, size, "#f0b84a", "left");
    }
  }
  shown.slice.textContent = slice + 1 + " of " + stack.count;
  shown.level.textContent = number("level") + " HU";
  shown.width.textContent = number("width") + " HU";
  shown.zoom.textContent = number("zoom") + " %";
}

function turn(name, by) {
  controls[name].value = number(name) + by;
  draw();
}

for (const control of Object.values(controls)) control.addEventListener("input", draw);
for (const preset of document.querySelectorAll("[data-level]")) {
  preset.addEventListener("click", () => {
    controls.level.value = preset.dataset.level;
    controls.width.value = preset.dataset.width;
    draw();
  });
}
document.getElementById("reset").addEventListener("click", () => {
  controls.zoom.value = 100;
  view.x = view.y = 0.5;
  draw();
});

for (const { canvas } of panes) {
  const held = new Map();
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey) turn("zoom", event.deltaY < 0 ? 20 : -20);
    else turn("slice", event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowUp: 1, PageUp: 5, ArrowDown: -1, PageDown: -5 }[event.key];
    if (!by) return;
    event.preventDefault();
    turn("slice", by);
  });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, [event.clientX, event.clientY]);
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = held.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before[0], dy = event.clientY - before[1];
    const others = [...held].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    if (others.length) {
      const reach = (place) => Math.hypot(place[0] - others[0][0], place[1] - others[0][1]);
      controls.zoom.value = number("zoom") * reach([event.clientX, event.clientY]) / Math.max(1, reach(before));
    } else if (number("zoom") > 100) {
      view.x -= dx / canvas.clientWidth / (number("zoom") / 100);
      view.y -= dy / canvas.clientHeight / (number("zoom") / 100);
    } else if (event.pointerType !== "touch" && Math.abs(dy) >= 4) {
      controls.slice.value = number("slice") + (dy < 0 ? 1 : -1);
    } else return;
    held.set(event.pointerId, [event.clientX, event.clientY]);
    draw();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => held.delete(event.pointerId));
}
addEventListener("resize", draw);
addEventListener("beforeprint", () => {
  for (const name of Object.keys(controls)) controls[name].value = controls[name].defaultValue;
  draw();
});
draw();
