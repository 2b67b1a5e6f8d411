//! The simulation's only source of chance: a seeded generator, so that the same world with the same
//! requests gives the same names and delays every time. Never use the operating system's randomness here.

use std::time::Duration;

/// The letters that Kubernetes makes random names of: no vowels and no look-alikes
/// (`k8s.io/apimachinery/pkg/util/rand`).
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A small seeded generator (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// Returns a generator that repeats itself for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// Returns a delay of `low` to `high` milliseconds.
    pub(crate) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// Returns the five letters that end a generated name.
    pub(crate) fn suffix(&mut self) -> String {
        (0..5).map(|_| letter(self.next())).collect()
    }
}

/// Returns a hash of a text as Kubernetes writes it into names (`rand.SafeEncodeString` of an FNV-1a sum).
/// The value differs from a real cluster's, which hashes a Go-specific dump of the object.
pub(crate) fn name_hash(text: &str) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    for byte in text.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    hash.to_string().bytes().map(|digit| letter(u64::from(digit))).collect()
}

/// Returns 64 hexadecimal digits that follow from a text: an image digest or container id.
pub(crate) fn digest(text: &str) -> String {
    let mut random = Random::new(
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)),
    );
    format!("{:016x}{:016x}{:016x}{:016x}", random.next(), random.next(), random.next(), random.next())
}

fn letter(number: u64) -> char {
    char::from(ALPHABET[usize::try_from(number % 27).unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_names() {
        let (mut one, mut two) = (Random::new(7), Random::new(7));
        let suffix = one.suffix();
        assert_eq!(suffix, two.suffix());
        assert!(suffix.len() == 5 && suffix.bytes().all(|letter| ALPHABET.contains(&letter)), "{suffix}");
        assert_ne!(one.suffix(), suffix);
    }

    #[test]
    fn hashes_depend_on_the_text_alone() {
        assert_eq!(name_hash("template"), name_hash("template"));
        assert_ne!(name_hash("template"), name_hash("templates"));
        assert_eq!(digest("redis:7").len(), 64);
    }
}
