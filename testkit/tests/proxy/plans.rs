//! Faults by the clock.

use crate::ground::{Client, ground, ms};
use millpond_testkit::proxy::{Fault, Kind, Plan};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_plan_is_played_step_by_step() {
    let (_echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    let begun = Instant::now();
    let plan = Plan::new()
        .heal_at(ms(120))
        .at(ms(40), Fault::latency(ms(1)))
        .at(ms(80), Fault::stall());
    proxy.play(plan);
    let mut seen = vec![proxy.faults()];
    while seen.len() < 4 {
        let now = proxy.faults();
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        tokio::time::sleep(ms(1)).await;
    }
    assert!(begun.elapsed() >= ms(120));
    let (latency, stall) = (Fault::latency(ms(1)), Fault::stall());
    assert_eq!(seen, [vec![], vec![latency], vec![stall], vec![]]);
    client.talks().await;
}

#[tokio::test]
async fn what_is_set_by_hand_ends_a_plan() {
    let (_echo, proxy) = ground().await;
    proxy.play(
        Plan::new()
            .at(ms(0), Fault::refuse())
            .at(ms(20), Fault::reset()),
    );
    proxy.heal();
    let mut client = Client::served_by(&proxy).await;
    tokio::time::sleep(ms(60)).await;
    client.talks().await;
    assert_eq!(proxy.faults(), []);
}

#[cfg(feature = "serde")]
#[test]
fn a_plan_in_a_report_is_read_back() {
    let plan = Plan::drawn(3, Duration::from_secs(60)).at(ms(1), Fault::refuse());
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    let one = serde_json::to_string(&Fault::bandwidth(7).to_client().on_new()).unwrap();
    assert_eq!(
        one,
        r#"{"kind":{"bandwidth":{"bytes_per_second":7}},"reach":"new","way":"to_client"}"#
    );
}

#[test]
fn what_is_drawn_has_every_kind_and_ends_well() {
    let length = Duration::from_secs(600);
    let plan = Plan::drawn(1, length);
    let steps = plan.steps();
    assert!(steps.windows(2).all(|two| two[0].at <= two[1].at));
    assert!(plan.length() <= length && steps.last().unwrap().fault.is_none());
    let has = |is: fn(&Kind) -> bool| {
        let mut kinds = steps.iter().filter_map(|step| step.fault).map(|f| f.kind);
        kinds.any(|kind| is(&kind))
    };
    assert!(has(|k| matches!(k, Kind::Latency { .. })));
    assert!(has(|k| matches!(k, Kind::Bandwidth { .. })));
    assert!(has(|k| matches!(k, Kind::Stall)));
    assert!(has(|k| matches!(k, Kind::BlackHole)));
    assert!(has(|k| matches!(k, Kind::HalfOpen)));
    assert!(has(|k| matches!(k, Kind::Reset)));
    assert!(has(|k| matches!(k, Kind::SlowHandshake { .. })));
    assert!(has(|k| matches!(k, Kind::Refuse)));
    assert_ne!(plan, Plan::drawn(2, length));
    assert!(
        plan.to_string().starts_with("drawn from the seed 1:\n"),
        "{plan}"
    );
}
