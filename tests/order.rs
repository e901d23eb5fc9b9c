//! P3: first come, first served; and idle objects in the order that was asked for.

mod support;

use support::{Hand, Scene};

#[test]
fn a_retain_that_keeps_everything_keeps_the_order_too() {
    use millpond::managed::QueueMode;
    for (mode, expected) in [(QueueMode::Fifo, [0, 1, 2]), (QueueMode::Lifo, [2, 1, 0])] {
        let scene = Scene::built(3, false, |builder| builder.queue_mode(mode));
        let held = scene.fill(3);
        held.into_iter().for_each(drop::<Hand>);
        scene.retain(|_| true);
        let order: Vec<_> = scene.fill(3).iter().map(|hand| hand.id).collect();
        assert_eq!(order, expected, "{mode:?}");
    }
}
