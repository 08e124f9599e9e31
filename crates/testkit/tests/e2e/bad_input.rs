//! Bad input, through the real programs: what is good beside it is kept, what is refused is named with its remedy, and
//! nothing is ever a 500.

mod bodies;
mod hostile;
mod keys;
mod lines;
mod signatures;
mod strangers;
