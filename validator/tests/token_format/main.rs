//! The security token and the trust bundle, from outside: vectors, abuse, properties.
//!
//! Test names that begin with a letter and a number name a row of the abuse catalogue.

mod abuse;
mod bundle;
mod forge;
mod golden;
mod mint;
mod properties;
mod samples;
mod zones;
