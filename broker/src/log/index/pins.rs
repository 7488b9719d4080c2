//! Bounds the memory that readers keep from being freed.
//!
//! A buffer from a read keeps its iterator, and that keeps the memtable which was open at the time
//! from being freed. Usually that is the present one. But consumers that stall, each at another
//! time, could hold one generation each. So buffers may hold back a few generations only; beyond
//! that, reads are copied.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Generations that may be held at once.
const GENERATIONS: usize = 4;

/// Which generations are held, by how many reads each.
#[derive(Default)]
pub(in crate::log) struct Pins(Mutex<BTreeMap<u32, usize>>);

/// Permission for one read to hold a generation.
pub(in crate::log) struct Pin {
    pins: Arc<Pins>,
    generation: u32,
}

impl Pins {
    /// Permission to hold `generation`, or `None` if too many generations are held.
    pub(in crate::log) fn hold(self: &Arc<Self>, generation: u32) -> Option<Pin> {
        let mut held = self.0.lock();
        if held.len() >= GENERATIONS && !held.contains_key(&generation) {
            return None;
        }
        *held.entry(generation).or_default() += 1;
        Some(Pin { pins: Arc::clone(self), generation })
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut held = self.pins.0.lock();
        if let Some(count) = held.get_mut(&self.generation) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.generation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_generations_are_held_by_any_number_of_reads() {
        let pins = Arc::new(Pins::default());
        let mut held: Vec<_> = (0..GENERATIONS as u32).filter_map(|n| pins.hold(n)).collect();
        held.extend(pins.hold(0));
        assert_eq!(held.len(), GENERATIONS + 1);
        assert!(pins.hold(99).is_none());
        held.remove(0);
        assert!(pins.hold(99).is_none(), "another read still holds the first");
        held.pop();
        assert!(pins.hold(99).is_some());
    }
}
