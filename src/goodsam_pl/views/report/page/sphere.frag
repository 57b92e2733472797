// Where does this pixel look, and what do the chosen stages say there?
//
// What is drawn is said by definitions in front: DIFFERENCES, or which of the functions below shows
// the photograph (SHOW_UNDER) and the stage (SHOW_OVER). Rendering by software goes through every
// branch of a shader, so that one for all cases would cost as much as all of them.
precision highp float;
precision highp int;

const float PI = 3.141592653589793;
const int VOID = 255;
const vec3 OUTSIDE = vec3(0.11, 0.12, 0.14);
const vec3 SECOND_RIGHT = vec3(0.0, 0.784, 0.0);
const vec3 FIRST_RIGHT = vec3(0.863, 0.0, 0.0);
const vec3 UNDECIDED = vec3(0.902, 0.784, 0.0);

uniform vec2 size;      // of the canvas, pixels
uniform vec2 heading;   // yaw to the right and pitch upwards, radians
uniform vec2 reach;     // tangent of half the field of view, or half the angles, across and up
uniform bool unrolled;  // the whole panorama at once, instead of a camera
uniform float fade;     // 0 shows the photograph, 1 the stage

uniform highp sampler2D photograph, first, second, truth, palette;
uniform vec2 photographSpan, firstSpan, secondSpan, truthSpan;  // latitude of top and bottom edge
uniform int firstClasses, secondClasses;  // rows of the palette

out vec4 color;

// Longitude to the right and latitude upwards, radians.
vec2 direction() {
  vec2 at = gl_FragCoord.xy / size * 2.0 - 1.0;
  if (unrolled) return vec2(heading.x, 0.0) + at * reach;
  vec3 ray = vec3(1.0, at * reach);
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
vec4 nothing(sampler2D stage, int classes, vec2 at) {
  return vec4(0.0);
}

vec4 image(sampler2D stage, int classes, vec2 at) {
  return vec4(texture(stage, at).rgb, float(inside(at)));
}

vec4 labels(sampler2D stage, int classes, vec2 at) {
  vec2 near = vec2(at.x, clamp(at.y, 0.0, 1.0));
  return texelFetch(palette, ivec2(idAt(stage, near), classes), 0) * float(inside(at));
}

vec4 weight(sampler2D stage, int classes, vec2 at) {
  return vec4(texture(stage, at).rrr, float(inside(at)));
}

vec4 masks(sampler2D stage, int classes, vec2 at) {
  vec3 picture = texture(stage, at).rgb;
  float there = step(0.02, max(picture.r, max(picture.g, picture.b)));
  return vec4(picture, there * float(inside(at)));
}

#ifdef DIFFERENCES
int idOf(sampler2D stage, vec2 span, bool isLabels, vec2 looking) {
  vec2 at = place(looking, span);
  return isLabels && inside(at) ? idAt(stage, at) : VOID;
}

vec4 over(vec2 looking) {
  int one = idOf(first, firstSpan, FIRST_IS_LABELS, looking);
  int other = idOf(second, secondSpan, SECOND_IS_LABELS, looking);
  if (one == VOID || other == VOID || one == other) return vec4(0.0, 0.0, 0.0, 0.6);
  int right = idOf(truth, truthSpan, TRUTH_IS_LABELS, looking);
  if (right == VOID || (one != right && other != right)) return vec4(UNDECIDED, 1.0);
  return vec4(other == right ? SECOND_RIGHT : FIRST_RIGHT, 1.0);
}
#elif defined(SECOND)
vec4 over(vec2 looking) {
  return SHOW_OVER(second, secondClasses, place(looking, secondSpan));
}
#else
vec4 over(vec2 looking) {
  return SHOW_OVER(first, firstClasses, place(looking, firstSpan));
}
#endif

void main() {
  vec2 looking = direction();
  vec4 under = SHOW_UNDER(photograph, 0, place(looking, photographSpan));
  vec3 ground = abs(looking.y) > PI / 2.0 ? OUTSIDE : mix(OUTSIDE, under.rgb, under.a);
  vec4 shown = over(looking);
  color = vec4(mix(ground, shown.rgb, shown.a * fade), 1.0);
}
