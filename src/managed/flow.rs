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
}
