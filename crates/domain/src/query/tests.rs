mod aggregate;
mod arbitrary;
mod errors;
mod evaluation;
mod fuzz;
mod reading;
