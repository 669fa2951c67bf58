// The gradient of an operand of f32, whatever the result is stored in.

alias Gradient = f32;
