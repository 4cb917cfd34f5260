//! Identity tokens and their keys against what has been done to others (each test has its attack's row in its name).

mod claims;
mod conditions;
mod identify;
mod keys;
mod mapping;
mod mutated;
mod states;
mod tokens;
mod vectors;
