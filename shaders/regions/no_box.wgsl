/// For a location that is no candidate: touches nothing.
const NO_BOX = vec4f(0.0, 0.0, -1.0, -1.0);
