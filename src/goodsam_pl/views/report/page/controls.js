// What surrounds the panorama: which one, which stages, how they are shown, which classes.

const FADE_STEP = 0.1, SWEEP_STEP = 0.02; // a press of a key

class Controls {
  // section: the element of the viewer; data: what the page holds; view: a PanoramaView.
  constructor(section, data, view) {
    this.section = section;
    this.data = data;
    this.view = view;
    this.stages = new Stages(view);
    this.off = new Set(); // names of classes that are left out
    this.chosen = { first: null, second: null }; // titles, which outlive a panorama
    this.panorama = data.panoramas[0];
    this.part = (name) => section.querySelector(`[data-part="${name}"]`);
    this.connect();
    this.paint();
    this.setMode("fade");
    this.open(0);
  }

  connect() {
    const { view, part } = this;
    fill(part("panorama"), this.data.panoramas.map(({ name }, place) => [place, name]));
    part("panorama").addEventListener("change", (event) => this.open(Number(event.target.value)));
    part("before").addEventListener("click", () => this.step(-1));
    part("after").addEventListener("click", () => this.step(1));
    for (const button of this.section.querySelectorAll("[data-mode]")) {
      button.addEventListener("click", () => this.setMode(button.dataset.mode));
    }
    for (const slot of ["first", "second"]) {
      part(slot).addEventListener("change", (event) => this.choose(slot, event.target.value));
    }
    part("fade").addEventListener("input", (event) => this.setFade(Number(event.target.value)));
    part("unroll").addEventListener("click", () => this.unroll());
    part("whole").addEventListener("click", () => this.fillScreen());
    part("all").addEventListener("click", () => this.leaveOut([]));
    part("none").addEventListener("click", () => this.leaveOut(this.shownClasses()));
    view.canvas.addEventListener("pointermove", (event) => this.point(event));
    view.canvas.addEventListener("pointerleave", () => this.say(""));
    this.connectHandle();
    const keys = {
      "[": () => this.setFade(view.fade - FADE_STEP),
      "]": () => this.setFade(view.fade + FADE_STEP),
      ",": () => this.setSplit(view.split - SWEEP_STEP),
      ".": () => this.setSplit(view.split + SWEEP_STEP),
      n: () => this.step(1),
      b: () => this.step(-1),
      f: () => this.setMode("fade"),
      s: () => this.setMode("sweep"),
      d: () => this.setMode("differences"),
      u: () => this.unroll(),
    };
    for (let number = 1; number <= 9; number += 1) {
      keys[number] = () => {
        const stage = this.panorama.stages[number - 1];
        if (stage) this.choose("first", stage.title);
      };
    }
    this.section.addEventListener("keydown", (event) => {
      if (!["SELECT", "INPUT"].includes(event.target.tagName)) pressed(event, keys);
    });
    navigate(view);
  }

  connectHandle() {
    const handle = this.part("handle");
    const follow = (event) => {
      const box = this.view.canvas.getBoundingClientRect();
      this.setSplit((event.clientX - box.left) / box.width);
    };
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.addEventListener("pointermove", follow);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      handle.addEventListener(end, () => handle.removeEventListener("pointermove", follow));
    }
    const keys = {
      ArrowLeft: () => this.setSplit(this.view.split - SWEEP_STEP),
      ArrowRight: () => this.setSplit(this.view.split + SWEEP_STEP),
    };
    handle.addEventListener("keydown", (event) => pressed(event, keys));
  }

  step(by) {
    const { panoramas } = this.data;
    const place = (panoramas.indexOf(this.panorama) + by + panoramas.length) % panoramas.length;
    return this.open(place);
  }

  // Show another panorama; the stages stay those that were chosen, where it has them.
  async open(place) {
    this.panorama = this.data.panoramas[place];
    this.part("panorama").value = place;
    const { stages, photograph, truth } = this.panorama;
    const titles = stages.map(({ title }) => title);
    const usual = usualStages(this.panorama);
    for (const slot of ["first", "second"]) {
      fill(this.part(slot), titles.map((title) => [title, title]));
      if (!titles.includes(this.chosen[slot])) this.chosen[slot] = usual[slot];
      this.part(slot).value = this.chosen[slot];
    }
    await Promise.all([
      this.show("photograph", stages[photograph]),
      this.show("truth", stages[truth]),
      this.show("first", this.named("first")),
      this.show("second", this.named("second")),
    ]);
    this.list();
  }

  named(slot) {
    return this.panorama.stages.find(({ title }) => title === this.chosen[slot]);
  }

  async choose(slot, title) {
    this.chosen[slot] = title;
    this.part(slot).value = title;
    await this.show(slot, this.named(slot));
    this.list();
  }

  async show(slot, about) {
    const stage = about ? await this.stages.get(about) : null;
    const wanted = { photograph: this.panorama.photograph, truth: this.panorama.truth };
    const still =
      slot in wanted ? this.panorama.stages[wanted[slot]] : about && this.named(slot);
    if (still === about) this.view.show(slot, stage); // else something else was chosen meanwhile
  }

  setMode(mode) {
    this.view.mode = mode;
    this.section.dataset.mode = mode;
    for (const button of this.section.querySelectorAll("button[data-mode]")) {
      button.setAttribute("aria-pressed", button.dataset.mode === mode);
    }
    this.list();
    this.view.draw();
  }

  setFade(share) {
    this.view.fade = Math.min(1, Math.max(0, share));
    this.part("fade").value = this.view.fade;
    this.view.draw();
  }

  setSplit(share) {
    this.view.split = Math.min(1, Math.max(0, share));
    this.part("handle").style.left = `${100 * this.view.split}%`;
    this.part("handle").setAttribute("aria-valuenow", Math.round(100 * this.view.split));
    this.view.draw();
  }

  unroll() {
    this.view.unrolled = !this.view.unrolled;
    this.part("unroll").setAttribute("aria-pressed", this.view.unrolled);
    this.view.draw();
  }

  fillScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.section.requestFullscreen();
  }

  // Sets of classes that the chosen stages are told in.
  get sets() {
    const slots = this.view.mode === "fade" ? ["first"] : ["first", "second"];
    const stages = slots.map((slot) => this.named(slot)).filter((each) => each?.kind === "labels");
    return [...new Set(stages.map(({ classes }) => this.data.classSets[classes]))];
  }

  shownClasses() {
    return this.sets.flat().map(({ name }) => name);
  }

  leaveOut(names) {
    this.off = new Set(names);
    this.paint();
    this.list();
  }

  paint() {
    const on = ({ name, color }) => ({ color, on: !this.off.has(name) });
    this.view.paint(this.data.classSets.map((set) => set.map(on)));
  }

  // Write the legend: a button for each class, which switches it.
  list() {
    const differences = this.view.mode === "differences";
    this.part("meaning").textContent = differences ? this.meaning() : "";
    this.part("legend").hidden = differences || !this.sets.length;
    const seen = new Set();
    const buttons = this.sets.flat().filter(({ name }) => !seen.has(name) && seen.add(name));
    this.part("classes").replaceChildren(...buttons.map((each) => this.classButton(each)));
  }

  classButton({ name, color }) {
    const button = document.createElement("button");
    const swatch = document.createElement("i");
    swatch.style.background = `rgb(${color})`;
    button.append(swatch, name);
    button.dataset.class = name;
    button.setAttribute("aria-pressed", !this.off.has(name));
    button.title = "Click: on or off. With Shift: this class alone.";
    button.addEventListener("click", (event) => {
      const others = this.shownClasses().filter((each) => each !== name);
      const off = new Set(this.off);
      if (!off.delete(name)) off.add(name);
      this.leaveOut(event.shiftKey ? others : off);
      this.section.querySelector(`[data-class="${CSS.escape(name)}"]`)?.focus();
    });
    return button;
  }

  meaning() {
    const both = ["first", "second"].map((slot) => this.named(slot));
    if (both.some((stage) => stage?.kind !== "labels")) return "Choose two stages of labels.";
    if (both[0].classes !== both[1].classes) return "These two are told in different classes.";
    const { truth } = this.panorama;
    return truth === null
      ? "Yellow: the two differ."
      : "Green: only the second is right. Red: only the first is. Yellow: neither, or unknown.";
  }

  // Say what is under the pointer.
  point(event) {
    const box = this.view.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    const direction = this.view.direction(x, y);
    const told = ["first", "second", "truth"]
      .map((slot) => this.view.slots[slot])
      .filter((stage, place) => stage?.kind === "labels" && (place !== 1 || this.view.mode !== "fade"))
      .map((stage) => `${stage.title}: ${this.nameOf(stage, idIn(stage, direction))}`);
    this.say(told.join(" · "));
  }

  nameOf(stage, id) {
    return this.data.classSets[stage.classes][id]?.name ?? "–";
  }

  say(text) {
    this.part("pointed").textContent = text;
  }
}

// What is shown at first: a student, and beside it the last other labels.
function usualStages({ stages, truth }) {
  const labels = stages.filter(({ kind }, place) => kind === "labels" && place !== truth);
  const all = labels.length ? labels : stages;
  const first = all.find(({ title }) => /student/i.test(title)) ?? all[0];
  const second = all.filter((stage) => stage !== first).at(-1) ?? first;
  return { first: first?.title, second: second?.title };
}

function fill(select, options) {
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
}
