// A parameter or a constant on the left, a map on the right.

alias Left = f32;
alias Right = Stored;
