// Draws a panorama and its stages as a camera in the middle of the sphere sees them.

const SLOTS = ["photograph", "first", "second", "truth"];
const EMPTY = { kind: "labels", pixels: { width: 1, height: 1, data: new Uint8Array([255]) } };
const NARROWEST = 15, WIDEST = 120; // degrees across

class PanoramaView {
  // canvas: what is drawn on; shaders: the texts of vertex and fragment shader.
  constructor(canvas, shaders) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false });
    if (!gl) throw new Error("this browser has no WebGL 2, in which panoramas are drawn");
    this.gl = gl;
    this.shaders = shaders;
    this.programs = new Map(); // by the definitions in front of them
    gl.bindVertexArray(gl.createVertexArray());
    this.camera = { yaw: 0, pitch: 0, across: 90 }; // degrees; yaw to the right, pitch upwards
    this.unrolled = false;
    this.mode = "fade"; // or "sweep", "differences"
    this.split = 0.5; // share of the width
    this.fade = 0.7;
    this.slots = {};
    this.frames = 0; // drawn so far
    for (const slot of SLOTS) this.show(slot, null);
    new ResizeObserver(() => this.fit()).observe(canvas);
    this.fit();
  }

  // The program that these definitions make; it is the one that is used from here on.
  use(definitions) {
    const { gl } = this;
    let program = this.programs.get(definitions);
    if (!program) {
      program = linked(gl, this.shaders, definitions);
      this.programs.set(definitions, program);
      gl.useProgram(program.handle);
      [...SLOTS, "palette"].forEach((name, unit) => gl.uniform1i(program.at(name), unit));
    }
    gl.useProgram(program.handle);
    return program;
  }

  // Put a stage into a slot; null empties it. What is on the card already is used again.
  show(slot, stage) {
    this.slots[slot] = stage;
    const gl = this.gl;
    gl.activeTexture(gl.TEXTURE0 + SLOTS.indexOf(slot));
    this.empty ??= uploaded(gl, EMPTY); // an unbound unit would be complained about
    gl.bindTexture(gl.TEXTURE_2D, stage ? (stage.texture ??= uploaded(gl, stage)) : this.empty);
    this.draw();
  }

  // Colours of all ids, a row for each set of classes; alpha 0 leaves a class out.
  paint(rows) {
    const gl = this.gl;
    const colors = new Uint8Array(256 * 4 * Math.max(rows.length, 1));
    rows.forEach((row, set) =>
      row.forEach(({ color, on }, id) => {
        if (on) colors.set([...color, 255], 4 * (256 * set + id));
      }),
    );
    gl.activeTexture(gl.TEXTURE0 + SLOTS.length);
    if (!this.palette) {
      this.palette = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, this.palette);
      unfiltered(gl);
    }
    const height = Math.max(rows.length, 1);
    gl.bindTexture(gl.TEXTURE_2D, this.palette);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, colors);
    this.draw();
  }

  // Give the memory of stages back; they can be shown again.
  forget(stages) {
    for (const stage of stages) {
      if (stage.texture) this.gl.deleteTexture(stage.texture);
      stage.texture = null;
    }
  }

  fit() {
    const ratio = Math.min(window.devicePixelRatio || 1, 2);
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    this.draw();
  }

  turn(right, up) {
    this.look({ yaw: this.camera.yaw + right, pitch: this.camera.pitch + up });
  }

  zoom(factor) {
    this.look({ across: this.camera.across / factor });
  }

  look(changes) {
    const { yaw, pitch, across } = { ...this.camera, ...changes };
    this.camera = {
      yaw: ((((yaw + 180) % 360) + 360) % 360) - 180,
      pitch: Math.min(90, Math.max(-90, pitch)),
      across: Math.min(WIDEST, Math.max(NARROWEST, across)),
    };
    this.draw();
  }

  // The tangents of half the field of view, or halves of the angles themselves where unrolled.
  get reach() {
    const aspect = this.canvas.height / this.canvas.width;
    if (this.unrolled) {
      const half = Math.max(Math.PI, Math.PI / 2 / aspect); // all of it is seen
      return [half, half * aspect];
    }
    const half = Math.tan(radians(this.camera.across) / 2);
    return [half, half * aspect];
  }

  // Longitude to the right and latitude upwards, degrees, of a place from the upper left corner in
  // shares of width and height; the same as in the shader.
  direction(x, y) {
    const [across, up] = this.reach;
    const { yaw, pitch } = this.camera;
    const [right, above] = [(2 * x - 1) * across, (1 - 2 * y) * up];
    if (this.unrolled) return [yaw + degrees(right), degrees(above)];
    const [c, s] = [Math.cos(radians(pitch)), Math.sin(radians(pitch))];
    const [forward, upward] = [c - above * s, s + above * c];
    const longitude = yaw + degrees(Math.atan2(right, forward));
    return [longitude, degrees(Math.atan2(upward, Math.hypot(forward, right)))];
  }

  // Draw soon; several changes of one moment become one frame.
  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.drawNow();
    });
  }

  drawNow() {
    const { gl, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.enable(gl.SCISSOR_TEST);
    const line = Math.round(this.split * canvas.width);
    if (this.mode === "differences") this.drawPart(0, canvas.width, "differences");
    else if (this.mode === "fade") this.drawPart(0, canvas.width, "first");
    else {
      this.drawPart(0, line, "first");
      this.drawPart(line, canvas.width, "second");
    }
    this.frames += 1;
  }

  // Draw some columns, from the first to the one after the last.
  drawPart(left, right, what) {
    const { gl, canvas, camera, slots } = this;
    const { at } = this.use(this.definitions(what));
    gl.scissor(left, 0, Math.max(right - left, 0), canvas.height);
    gl.uniform2f(at("size"), canvas.width, canvas.height);
    gl.uniform2f(at("heading"), radians(camera.yaw), radians(camera.pitch));
    gl.uniform2f(at("reach"), ...this.reach);
    gl.uniform1i(at("unrolled"), this.unrolled ? 1 : 0);
    gl.uniform1f(at("fade"), this.fade);
    for (const slot of SLOTS) {
      const { top, bottom, classes } = slots[slot] ?? { top: 90, bottom: -90, classes: 0 };
      gl.uniform2f(at(`${slot}Span`), radians(top), radians(bottom));
      gl.uniform1i(at(`${slot}Classes`), classes);
    }
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  // What stands in front of the shader, see there.
  definitions(what) {
    const kind = (slot) => this.slots[slot]?.kind ?? "nothing";
    const isLabels = (slot) => `${slot.toUpperCase()}_IS_LABELS ${kind(slot) === "labels"}`;
    const about =
      what === "differences"
        ? ["DIFFERENCES", ...["first", "second", "truth"].map(isLabels)]
        : [`SHOW_OVER ${kind(what)}`, ...(what === "second" ? ["SECOND"] : [])];
    return [`SHOW_UNDER ${kind("photograph")}`, ...about].map((each) => `#define ${each}\n`).join("");
  }
}

function linked(gl, shaders, definitions) {
  const handle = gl.createProgram();
  for (const [kind, text] of Object.entries(shaders)) {
    const shader = gl.createShader(gl[kind]);
    gl.shaderSource(shader, `#version 300 es\n${definitions}${text}`);
    gl.compileShader(shader);
    gl.attachShader(handle, shader);
    const told = gl.getShaderInfoLog(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(`${kind}: ${told}`);
  }
  gl.linkProgram(handle);
  if (!gl.getProgramParameter(handle, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(handle));
  }
  const places = new Map(); // null for what a program does not use: setting it does nothing
  const at = (name) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(handle, name));
    return places.get(name);
  };
  return { handle, at };
}

function uploaded(gl, { kind, pixels }) {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  if (kind === "labels") {
    const { width, height, data } = pixels;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, width, height, 0, gl.RED, gl.UNSIGNED_BYTE, data);
  } else {
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  }
  if (kind === "labels" || kind === "masks") {
    unfiltered(gl);
  } else {
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
  }
  return texture;
}

function unfiltered(gl) {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
}

function radians(angle) {
  return (angle * Math.PI) / 180;
}

function degrees(angle) {
  return (angle * 180) / Math.PI;
}
