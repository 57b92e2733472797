// Draws a panorama and its stages as a camera in the middle of the sphere sees them.

const KINDS = ["nothing", "image", "labels", "weight", "masks"];
const MODES = ["fade", "sweep", "differences"];
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
    this.program = linked(gl, shaders);
    gl.useProgram(this.program);
    gl.bindVertexArray(gl.createVertexArray());
    this.camera = { yaw: 0, pitch: 0, across: 90 }; // degrees; yaw to the right, pitch upwards
    this.unrolled = false;
    this.mode = "fade";
    this.split = 0.5; // share of the width
    this.fade = 0.7;
    this.slots = {};
    this.frames = 0; // drawn so far
    this.changed = () => {}; // told after each frame
    [...SLOTS, "palette"].forEach((name, unit) => gl.uniform1i(this.at(name), unit));
    for (const slot of SLOTS) this.show(slot, null);
    new ResizeObserver(() => this.fit()).observe(canvas);
    this.fit();
  }

  at(name) {
    this.places ??= {};
    this.places[name] ??= this.gl.getUniformLocation(this.program, name);
    return this.places[name];
  }

  // Put a stage into a slot; null empties it. What is on the card already is used again.
  show(slot, stage) {
    this.slots[slot] = stage;
    const gl = this.gl;
    gl.activeTexture(gl.TEXTURE0 + SLOTS.indexOf(slot));
    this.empty ??= uploaded(gl, EMPTY); // an unbound unit would be complained about
    gl.bindTexture(gl.TEXTURE_2D, stage ? (stage.texture ??= uploaded(gl, stage)) : this.empty);
    gl.uniform1i(this.at(`${slot}Kind`), stage ? KINDS.indexOf(stage.kind) : 0);
    if (stage) gl.uniform2f(this.at(`${slot}Span`), radians(stage.top), radians(stage.bottom));
    if (slot === "first" || slot === "second") {
      gl.uniform1i(this.at(`${slot}Classes`), stage?.classes ?? 0);
    }
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
    const { gl, canvas, camera } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.uniform2f(this.at("size"), canvas.width, canvas.height);
    gl.uniform2f(this.at("heading"), radians(camera.yaw), radians(this.unrolled ? 0 : camera.pitch));
    gl.uniform2f(this.at("reach"), ...this.reach);
    gl.uniform1i(this.at("unrolled"), this.unrolled ? 1 : 0);
    gl.uniform1i(this.at("mode"), MODES.indexOf(this.mode));
    gl.uniform1f(this.at("split"), this.split * canvas.width);
    gl.uniform1f(this.at("fade"), this.fade);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    this.frames += 1;
    this.changed();
  }
}

function linked(gl, shaders) {
  const program = gl.createProgram();
  for (const [kind, text] of Object.entries(shaders)) {
    const shader = gl.createShader(gl[kind]);
    gl.shaderSource(shader, text.trim());
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    const told = gl.getShaderInfoLog(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(`${kind}: ${told}`);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
    throw new Error(gl.getProgramInfoLog(program));
  }
  return program;
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
