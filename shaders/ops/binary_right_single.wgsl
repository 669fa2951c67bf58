// A map on the left, a parameter or a constant on the right.

alias Left = Stored;
alias Right = f32;
