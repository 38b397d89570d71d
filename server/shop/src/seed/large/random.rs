//! Chance that is the same on every machine and in every version: `ChaCha` with 8 rounds, and integer arithmetic of ours.
//!
//! Each thing that is made (a book, a buyer, a day) has a stream of its own, so that it does not depend on what was
//! made before it. `rand`'s own distributions are not used: their results may change from one version to the next.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};

/// What a stream of chance is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Domain {
    Book = 1,
    Buyer = 2,
    Day = 3,
    Run = 4,
}

/// A stream of chance.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of the thing number `index` in its domain.
    pub(super) fn new(seed: u64, domain: Domain, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = domain as u8;
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self(rng)
    }

    /// 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`; 0 if `n` is 0. (The bias of multiply-and-shift is below n / 2⁶⁴.)
    pub(super) fn below(&mut self, n: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(n);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// A number from `from` up to and with `to`.
    pub(super) fn between(&mut self, from: i64, to: i64) -> i64 {
        from.saturating_add_unsigned(self.below(to.abs_diff(from).saturating_add(1)))
    }

    /// True so many times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// An index below `len`; 0 if that is 0.
    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }

    /// One of `items`, which may not be empty for a meaningful answer: the words file is checked when it is read.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.index(items.len()))
    }

    /// The index of an item with these weights.
    pub(super) fn weighted(&mut self, weights: impl IntoIterator<Item = u64> + Clone) -> usize {
        let mut left = self.below(weights.clone().into_iter().sum());
        for (index, weight) in weights.into_iter().enumerate() {
            match left.checked_sub(weight) {
                Some(rest) => left = rest,
                None => return index,
            }
        }
        0
    }

    /// A rank from 0 below `n` with a long tail: about as likely as 1 / (rank + 16), so that there are bestsellers, but
    /// not one book that is every second sale.
    pub(super) fn rank(&mut self, n: u64) -> u64 {
        const HEAD: u64 = 16;
        let octaves = u64::from((n + HEAD - 1).max(HEAD).ilog2()) - 3;
        loop {
            let from = HEAD << self.below(octaves);
            let rank = from + self.below(from) - HEAD;
            if rank < n.max(1) {
                return rank;
            }
        }
    }

    /// `bytes` random bytes in hexadecimal.
    pub(super) fn hex(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes * 2);
        while text.len() < bytes * 2 {
            text.push_str(&format!("{:016x}", self.next()));
        }
        text.truncate(bytes * 2);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a seed means must not change: stores are compared over versions.
    #[test]
    fn streams_are_what_they_always_were() {
        let first = |domain, index| Random::new(1, domain, index).next();
        assert_eq!(first(Domain::Book, 0), 4_344_717_217_939_160_907);
    }

    #[test]
    fn numbers_are_in_range_and_spread() {
        let mut random = Random::new(7, Domain::Run, 0);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[random.index(10)] += 1;
            assert!((-3..=4).contains(&random.between(-3, 4)));
            assert!(random.rank(7) < 7);
        }
        assert!(seen.iter().all(|count| (900..1_100).contains(count)), "{seen:?}");
        assert_eq!((random.below(0), random.rank(1), random.weighted([0, 0, 5])), (0, 0, 2));
    }

    #[test]
    fn ranks_have_a_long_tail() {
        let mut random = Random::new(7, Domain::Run, 0);
        let mut seen = vec![0_u32; 10_000];
        for _ in 0..100_000 {
            seen[usize::try_from(random.rank(10_000)).unwrap()] += 1;
        }
        let top: u32 = seen[..100].iter().sum();
        let tail: u32 = seen[5_000..].iter().sum();
        assert!((25_000..40_000).contains(&top) && (7_000..14_000).contains(&tail), "{top} {tail}");
    }
}
