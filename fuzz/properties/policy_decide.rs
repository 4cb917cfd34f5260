//! What every world keeps to that can be made of bytes.

use crate::generate::{Choices, world};
use crate::laws;
use crate::world::World;

/// The evaluator agrees with the naive one, its trace with its decision, and neither depends on an order.
pub(crate) fn check(bytes: &[u8]) {
    let world = world_of(bytes);
    laws::agrees_with_the_naive_evaluator(&world);
    for trust in [false, true] {
        laws::the_trace_tells_what_was_decided(&world, trust);
        laws::order_never_matters(&world, trust);
    }
}

pub(crate) fn world_of(bytes: &[u8]) -> World {
    world(&mut Choices::new(bytes))
}
