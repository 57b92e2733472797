#version 300 es
// Where does this pixel look, and what do the chosen stages say there?
precision highp float;
precision highp int;

const float PI = 3.141592653589793;
const int NOTHING = 0, IMAGE = 1, LABELS = 2, WEIGHT = 3, MASKS = 4;
const int FADE = 0, SWEEP = 1, DIFFERENCES = 2;
const int VOID = 255;
const vec3 OUTSIDE = vec3(0.11, 0.12, 0.14);
const vec3 SECOND_RIGHT = vec3(0.0, 0.784, 0.0);
const vec3 FIRST_RIGHT = vec3(0.863, 0.0, 0.0);
const vec3 UNDECIDED = vec3(0.902, 0.784, 0.0);

uniform vec2 size;      // of the canvas, pixels
uniform vec2 heading;   // yaw to the right and pitch upwards, radians
uniform vec2 reach;     // tangent of half the field of view, across and up
uniform bool unrolled;  // the whole panorama at once, instead of a camera
uniform int mode;
uniform float split;    // from the left edge, pixels
uniform float fade;     // 0 shows the photograph, 1 the stages

uniform highp sampler2D photograph, first, second, truth, palette;
uniform vec2 photographSpan, firstSpan, secondSpan, truthSpan;  // latitude of top and bottom edge
uniform int photographKind, firstKind, secondKind, truthKind;
uniform int firstClasses, secondClasses;  // rows of the palette

out vec4 color;

// Longitude to the right and latitude upwards, radians.
vec2 direction() {
  vec2 at = gl_FragCoord.xy / size * 2.0 - 1.0;
  if (unrolled) return vec2(heading.x + at.x * reach.x, at.y * reach.y);
  vec3 ray = vec3(1.0, at.x * reach.x, at.y * reach.y);
  float c = cos(heading.y), s = sin(heading.y);
  vec3 turned = vec3(ray.x * c - ray.z * s, ray.y, ray.x * s + ray.z * c);
  return vec2(heading.x + atan(turned.y, turned.x), atan(turned.z, length(turned.xy)));
}

// Place in a picture, 0 to 1 from its upper left corner; rows outside of it are below 0 or above 1.
vec2 place(vec2 looking, vec2 span) {
  return vec2(fract(looking.x / (2.0 * PI) + 0.5), (span.x - looking.y) / (span.x - span.y));
}

bool inside(vec2 at) {
  return at.y >= 0.0 && at.y < 1.0;
}

// Ids are numbers, which nothing may mix: the nearest pixel is taken as it is.
int idAt(sampler2D ids, vec2 at) {
  vec2 extent = vec2(textureSize(ids, 0));
  return int(texelFetch(ids, ivec2(min(at * extent, extent - 1.0)), 0).r * 255.0 + 0.5);
}

// What a stage shows; not opaque where it has nothing to say, or its class is switched off.
vec4 shown(sampler2D stage, vec2 span, int kind, int classes, vec2 looking) {
  vec2 at = place(looking, span);
  if (kind == NOTHING || !inside(at)) return vec4(0.0);
  if (kind == LABELS) return texelFetch(palette, ivec2(idAt(stage, at), classes), 0);
  vec4 picture = texture(stage, at);
  if (kind == WEIGHT) return vec4(picture.rrr, 1.0);
  if (kind == MASKS) return vec4(picture.rgb, step(0.02, max(picture.r, max(picture.g, picture.b))));
  return vec4(picture.rgb, 1.0);
}

int idOf(sampler2D stage, vec2 span, int kind, vec2 looking) {
  vec2 at = place(looking, span);
  return kind == LABELS && inside(at) ? idAt(stage, at) : VOID;
}

vec4 difference(vec2 looking) {
  int one = idOf(first, firstSpan, firstKind, looking);
  int other = idOf(second, secondSpan, secondKind, looking);
  if (one == VOID || other == VOID || one == other) return vec4(0.0, 0.0, 0.0, 0.6);
  int right = idOf(truth, truthSpan, truthKind, looking);
  if (right == VOID || (one != right && other != right)) return vec4(UNDECIDED, 1.0);
  return vec4(other == right ? SECOND_RIGHT : FIRST_RIGHT, 1.0);
}

void main() {
  vec2 looking = direction();
  vec4 under = shown(photograph, photographSpan, photographKind, 0, looking);
  vec3 ground = abs(looking.y) > PI / 2.0 ? OUTSIDE : mix(OUTSIDE, under.rgb, under.a);
  vec4 over;
  if (mode == DIFFERENCES) {
    over = difference(looking);
  } else if (mode == SWEEP && gl_FragCoord.x >= split) {
    over = shown(second, secondSpan, secondKind, secondClasses, looking);
  } else {
    over = shown(first, firstSpan, firstKind, firstClasses, looking);
  }
  color = vec4(mix(ground, over.rgb, over.a * fade), 1.0);
}
