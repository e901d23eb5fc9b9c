//! Everything that has happened, as one number: two runs that differ in anything differ in it.

use tokio::time::Instant;

/// FNV-1a over what is added, and when it was.
#[derive(Clone, Debug)]
pub(super) struct Digest {
    value: u64,
    begun: Instant,
}

impl Digest {
    pub(super) fn new() -> Self {
        Self {
            value: 0xcbf2_9ce4_8422_2325,
            begun: Instant::now(),
        }
    }

    pub(super) fn add(&mut self, what: u64, about: u64) {
        let nanos = self.begun.elapsed().as_nanos();
        let at = u64::try_from(nanos).unwrap_or(u64::MAX);
        for word in [at, what, about] {
            for byte in word.to_le_bytes() {
                self.value = (self.value ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
    }

    pub(super) fn value(&self) -> u64 {
        self.value
    }
}
