// The stages of panoramas: decoded from the page when they are first looked at.

const MOST_KEPT = 24; // stages; one of 2048×1024 takes 8 MB, label maps 2

class Stages {
  constructor(view) {
    this.view = view;
    this.kept = new Map(); // by the id of their element, the longest unused first
  }

  // The stage as `PanoramaView.show` takes it. `about`: its entry in the page's data.
  async get(about) {
    let stage = this.kept.get(about.element);
    this.kept.delete(about.element);
    stage ??= { ...about, pixels: await decoded(about) };
    this.kept.set(about.element, stage);
    for (const [element, old] of this.kept) {
      if (this.kept.size <= MOST_KEPT) break;
      if (Object.values(this.view.slots).includes(old)) continue;
      this.view.forget([old]);
      this.kept.delete(element);
    }
    return stage;
  }
}

async function decoded({ element, kind }) {
  const { type, textContent } = document.getElementById(element);
  const bytes = Uint8Array.from(atob(textContent), (letter) => letter.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type }), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
  return kind === "labels" ? idsOf(bitmap) : bitmap;
}

// Class ids of a grey picture, one byte each.
function idsOf(bitmap) {
  const { width, height } = bitmap;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const colors = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height);
  for (let place = 0; place < data.length; place += 1) data[place] = colors[4 * place];
  return { width, height, data };
}

// The class id that a stage of labels has in a direction, degrees; null outside of it.
function idIn(stage, [longitude, latitude]) {
  const row = (stage.top - latitude) / (stage.top - stage.bottom);
  if (row < 0 || row >= 1) return null;
  const column = (((longitude / 360 + 0.5) % 1) + 1) % 1;
  const { width, height, data } = stage.pixels;
  return data[Math.floor(row * height) * width + Math.min(Math.floor(column * width), width - 1)];
}
