//! Questions about policies that change nothing: what would be decided, who can do something, what is dangerous.

pub mod lint;
pub mod simulate;
pub mod who_can;
