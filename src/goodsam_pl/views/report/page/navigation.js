// Turning and zooming: by mouse, by one or two fingers, by keys.

const STEP = 5; // degrees a press of a key
const CLOSER = 1.15; // a turn of the wheel, a press of a key

function navigate(view) {
  const { canvas } = view;
  const pointers = new Map();

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) return;
    const before = [...pointers.values()];
    const last = pointers.get(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const now = [...pointers.values()];
    // what is under the pointer stays there, near the middle of the picture
    const share = 1 / before.length / canvas.clientWidth;
    const each = view.unrolled ? 360 * share : view.camera.across * share;
    view.turn(-(event.clientX - last[0]) * each, (event.clientY - last[1]) * each);
    if (before.length === 2) view.zoom(distance(now) / Math.max(distance(before), 1));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => pointers.delete(event.pointerId));
  }
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      view.zoom(event.deltaY < 0 ? CLOSER : 1 / CLOSER);
    },
    { passive: false },
  );
  const keys = {
    ArrowLeft: () => view.turn(-STEP, 0),
    ArrowRight: () => view.turn(STEP, 0),
    ArrowUp: () => view.turn(0, STEP),
    ArrowDown: () => view.turn(0, -STEP),
    "+": () => view.zoom(CLOSER),
    "=": () => view.zoom(CLOSER),
    "-": () => view.zoom(1 / CLOSER),
    0: () => view.look({ yaw: 0, pitch: 0, across: 90 }),
  };
  canvas.addEventListener("keydown", (event) => pressed(event, keys));
}

// Run what belongs to a key, and let the browser do nothing else with it.
function pressed(event, keys) {
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
  event.preventDefault();
  event.stopPropagation();
  keys[event.key]();
}

function distance([one, other]) {
  return Math.hypot(one[0] - other[0], one[1] - other[1]);
}
