use std::collections::VecDeque;
use std::time::Duration;

/// How fast objects come back: over the last ten seconds, or as long as it is known.
#[derive(Debug, Default)]
pub(crate) struct Flow(VecDeque<(Duration, u64)>);

impl Flow {
    /// So many had come back in all by `now`. Says how long it takes on average until the next comes.
    pub(crate) fn measure(&mut self, now: Duration, returned: u64) -> Option<Duration> {
        while self.0.len() > 1 && self.0.front().is_some_and(|(at, _)| *at + WINDOW < now) {
            self.0.pop_front();
        }
        self.0.push_back((now, returned));
        let (at, before) = *self.0.front()?;
        let count = u32::try_from(returned.saturating_sub(before)).unwrap_or(u32::MAX);
        (now - at).checked_div(count)
    }
}

const WINDOW: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_is_what_came_back_within_the_window() {
        let s = Duration::from_secs;
        let mut flow = Flow::default();
        assert_eq!(flow.measure(s(0), 0), None);
        assert_eq!(flow.measure(s(1), 0), None);
        assert_eq!(flow.measure(s(2), 4), Some(s(2) / 4));
        for second in 3..30 {
            flow.measure(s(second), 4);
        }
        assert_eq!(flow.measure(s(30), 4), None, "nothing for ten seconds");
    }

    #[test]
    fn what_was_measured_last_before_the_window_is_known_until_there_is_more() {
        let s = Duration::from_secs;
        let mut flow = Flow::default();
        assert_eq!(flow.measure(s(0), 0), None);
        assert_eq!(flow.measure(s(20), 4), Some(s(5)), "nothing else is known");
        assert_eq!(flow.measure(s(35), 10), Some(s(15) / 6));
        assert_eq!(flow.measure(s(36), 12), Some(s(1) / 2));
        assert_eq!(
            flow.measure(s(45), 12),
            Some(s(10) / 2),
            "ten seconds ago is within"
        );
    }
}
