// The gradient of an operand that is stored as the result is.

alias Gradient = Stored;
