//! Chance that comes out the same for the same seed: what a knob does with its n-th delivery or request
//! depends on nothing but the seed and n.

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

fn dice(seed: u64, draw: u64) -> StdRng {
    // Neighbouring draws must not look alike: SplitMix64's step.
    StdRng::seed_from_u64(seed ^ draw.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Whether something of that probability (0 to 1) happens at the n-th draw.
pub(crate) fn happens(seed: u64, draw: u64, probability: f64) -> bool {
    dice(seed, draw).random_bool(probability.clamp(0.0, 1.0))
}

/// Shuffles as the n-th draw of that seed does.
pub(crate) fn shuffle<T>(seed: u64, draw: u64, rows: &mut [T]) {
    rows.shuffle(&mut dice(seed, draw));
}

/// Whether a number is a probability.
pub(crate) fn is_probability(number: f64) -> bool {
    (0.0..=1.0).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_and_the_share_is_about_right() {
        let draws = |seed| (0..1_000).map(|draw| happens(seed, draw, 0.3)).collect::<Vec<_>>();
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
        let share = draws(7).iter().filter(|hit| **hit).count();
        assert!((250..350).contains(&share), "{share}");
        assert!(!happens(1, 1, 0.0) && happens(1, 1, 1.0));
    }
}
