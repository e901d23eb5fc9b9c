//! What all faults of the moment together mean for one connection.

use super::fault::{Fault, Kind, Way};
use crate::draw::Draw;
use std::time::Duration;

/// A fault, and how many connections had been accepted when it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    pub(super) fault: Fault,
    pub(super) accepted: u64,
}

impl Since {
    /// Whether it is about the connection with this number.
    fn concerns(&self, number: u64) -> bool {
        if number < self.accepted {
            self.fault.reach.has_established()
        } else {
            self.fault.reach.has_new()
        }
    }
}

/// What one connection meets.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    pub(super) reset: bool,
    pub(super) half_open: bool,
    /// How long after it was accepted the server is spoken to.
    pub(super) handshake: Duration,
    pub(super) to_server: OneWay,
    pub(super) to_client: OneWay,
}

/// What goes one way meets.
#[derive(Clone, Debug, Default)]
pub(super) struct OneWay {
    delay: Duration,
    jitters: Vec<(Duration, Draw)>,
    /// In bytes per second.
    pub(super) rate: Option<u64>,
    pub(super) stalled: bool,
    pub(super) lost: bool,
}

impl Conditions {
    /// What these faults mean for the connection with this number. Delays add up; of rates, the lowest holds.
    pub(super) fn of(faults: &[Since], number: u64) -> Self {
        let mut all = Self::default();
        let concerning = faults.iter().filter(|since| since.concerns(number));
        concerning.for_each(|since| all.add(since.fault, number));
        all
    }

    /// Whether a connection could not be made, for want of one way: it takes both.
    pub(super) fn loses(&self) -> bool {
        self.to_server.lost || self.to_client.lost
    }

    /// Whether making a connection would have to wait.
    pub(super) fn stalls(&self) -> bool {
        self.to_server.stalled || self.to_client.stalled
    }

    fn add(&mut self, fault: Fault, number: u64) {
        match fault.kind {
            // Who is there although nobody listens was there before.
            Kind::Reset | Kind::Refuse => self.reset = true,
            Kind::HalfOpen => self.half_open = true,
            Kind::SlowHandshake { delay } => self.handshake = self.handshake.saturating_add(delay),
            kind => {
                if fault.way != Way::ToClient {
                    self.to_server.add(kind, number * 2);
                }
                if fault.way != Way::ToServer {
                    self.to_client.add(kind, number * 2 + 1);
                }
            }
        }
    }
}

impl OneWay {
    fn add(&mut self, kind: Kind, branch: u64) {
        match kind {
            Kind::Latency {
                delay,
                jitter,
                seed,
            } => {
                self.delay = self.delay.saturating_add(delay);
                if !jitter.is_zero() {
                    self.jitters.push((jitter, Draw::branch(seed, branch)));
                }
            }
            Kind::Bandwidth { bytes_per_second } => {
                let rate = bytes_per_second.max(1);
                self.rate = Some(self.rate.map_or(rate, |other| other.min(rate)));
            }
            Kind::Stall => self.stalled = true,
            Kind::BlackHole => self.lost = true,
            _ => {}
        }
    }

    /// Whether nothing comes late.
    pub(super) fn is_prompt(&self) -> bool {
        self.delay.is_zero() && self.jitters.is_empty()
    }

    /// How late the next piece comes.
    pub(super) fn draw_delay(&mut self) -> Duration {
        let drawn = self
            .jitters
            .iter_mut()
            .map(|(most, draw)| draw.between(Duration::ZERO, *most));
        drawn.fold(self.delay, Duration::saturating_add)
    }
}
