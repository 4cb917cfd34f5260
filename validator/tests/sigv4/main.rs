//! Signature Version 4 from the outside: published vectors, captured requests, laws, and abuse.

mod canonical;
mod captured;
mod fixtures;
mod laws;
mod shape;
mod suite;
mod time;
mod wire;
