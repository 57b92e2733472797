// Bring the page to life.

offerThemes(document.querySelector("[data-part=theme]"));

const section = document.querySelector("#panoramas");
if (section) {
  const text = (name) => document.getElementById(name).textContent;
  try {
    const view = new PanoramaView(section.querySelector("canvas"), {
      VERTEX_SHADER: text("sphere-vert"),
      FRAGMENT_SHADER: text("sphere-frag"),
    });
    const controls = new Controls(section, JSON.parse(text("panorama-data")), view);
    Object.assign(window, { goodsamReport: { view, controls } }); // for the console, and tests
  } catch (error) {
    section.querySelector("[data-part=failure]").textContent = `No panoramas: ${error.message}.`;
    section.classList.add("failed");
  }
}
