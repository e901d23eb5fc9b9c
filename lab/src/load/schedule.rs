//! When requests are due.

use std::time::Duration;

/// So many a second `from` then `to` then: one in each slot of the schedule, at a moment in it that is drawn. The number
/// of them is left to chance no more than their order.
pub fn steady(
    from: Duration,
    to: Duration,
    per_second: f64,
    dice: &mut fastrand::Rng,
) -> Vec<Duration> {
    let count = ((to - from).as_secs_f64() * per_second).round() as u32;
    let slot = 1.0 / per_second;
    let moment = |number: u32| Duration::from_secs_f64((f64::from(number) + dice.f64()) * slot);
    (0..count).map(moment).map(|moment| from + moment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_due_as_was_said_in_order_and_the_same_for_the_same_seed() {
        let second = Duration::from_secs(1);
        let drawn = || steady(second, 3 * second, 50.0, &mut fastrand::Rng::with_seed(7));
        let moments = drawn();
        assert_eq!(moments.len(), 100);
        assert!(moments.is_sorted());
        assert!(moments.iter().all(|at| (second..3 * second).contains(at)));
        assert_eq!(moments, drawn());
    }
}
