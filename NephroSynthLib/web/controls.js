// Keyboard and touch. Each gesture becomes one call of the server: command(name, value).
(() => {
  if (window.nephrosynthControls) return;
  window.nephrosynthControls = true;

  const command = (name, value) => window.trame.trigger("command", [name, value ?? null]);
  const KEYS = {
    ArrowUp: ["scroll", 1], ArrowDown: ["scroll", -1], PageUp: ["scroll", 5], PageDown: ["scroll", -5],
    "+": ["zoom", 0.2], "=": ["zoom", 0.2], "-": ["zoom", -0.25], 0: ["reset"],
    n: ["step", 1], p: ["step", -1], o: ["outlines"], a: ["plane", "Axial"], c: ["plane", "Coronal"], s: ["plane", "Sagittal"],
    f: ["content", "flicker"], x: ["content", "checkerboard"], d: ["content", "difference"], u: ["content", "uncertainty"],
    v: ["layout"], 1: ["rate", 1], 2: ["rate", 2], 3: ["rate", 3], 4: ["rate", 4], 5: ["rate", 5],
  };
  window.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox]), textarea, [contenteditable], [role=listbox], [role=slider]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const found = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!found) return;
    event.preventDefault();
    event.stopPropagation();
    command(...found);
  }, true);

  // One finger scrolls through the slices, two fingers zoom. The 3D view keeps its own gestures.
  const PIXELS_A_SLICE = 12;
  const fingers = new Map();
  let travelled = 0;
  let spread = 0;
  const onSlice = (event) => {
    if (event.pointerType !== "touch" || event.target.closest?.(".cell-bar")) return false;
    return Boolean(event.target.closest?.(".layout-grid-item")?.querySelector(".cell-bar"));
  };
  const apart = () => {
    const [one, two] = [...fingers.values()];
    return Math.hypot(one.x - two.x, one.y - two.y);
  };
  const handle = (name, act) => window.addEventListener(name, (event) => {
    if (!onSlice(event) && !fingers.has(event.pointerId)) return;
    event.stopPropagation();
    act(event);
  }, true);
  handle("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    travelled = 0;
    if (fingers.size === 2) spread = apart();
  });
  handle("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const down = event.clientY - finger.y;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (fingers.size === 1) {
      travelled += down;
      const slices = Math.trunc(travelled / PIXELS_A_SLICE);
      if (slices) {
        travelled -= slices * PIXELS_A_SLICE;
        command("scroll", -slices);
      }
    } else if (fingers.size === 2) {
      const ratio = apart() / spread;
      if (Math.abs(ratio - 1) > 0.08) {
        spread = apart();
        command("zoom", 1 - 1 / ratio);
      }
    }
  });
  for (const end of ["pointerup", "pointercancel"]) handle(end, (event) => fingers.delete(event.pointerId));

  const ready = () => (window.trame?.trigger ? command("width", window.innerWidth) : setTimeout(ready, 100));
  ready();
})();
