//! Case 2.

use crate::defect::Defect;
use crate::trial::{fails_by, passes};

const ORDER: &str = "served in order of arrival";

#[tokio::test(flavor = "multi_thread")]
async fn line_passes_without_a_defect() {
    for run in passes("line").await {
        let headline = run.headline().expect("it has one");
        assert!(headline.value.abs() < f64::EPSILON, "{headline:?}");
        let group = |name| run.groups.iter().find(|group| group.name == name);
        for name in [
            "long",
            "quick",
            "again",
            "impatient",
            "cancelled",
            "timing out",
        ] {
            assert!(
                group(name).is_some(),
                "{name} is missing: {:#?}",
                run.groups
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn last_come_first_served_is_seen() {
    fails_by("line", Defect::LastComeFirst, &[ORDER]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lottery_is_seen() {
    fails_by("line", Defect::Lottery, &[ORDER]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushing_in_is_seen() {
    fails_by("line", Defect::Barges, &[ORDER]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_wake_up_is_seen() {
    fails_by(
        "line",
        Defect::LosesWakeUp,
        &["everybody in line is served"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_left_and_are_counted_on_are_seen() {
    let checks = [
        "who left the line is not counted any more",
        "who timed out is not counted any more",
    ];
    fails_by("line", Defect::CountsTheGone, &checks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_seen_in_line_too() {
    let check = "nobody is served before a connection comes back";
    fails_by("line", Defect::OneTooMany, &[check]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_on_its_way_is_seen() {
    let lost = Defect::LosesTimedOut;
    fails_by("line", lost, &["all connections can be had afterwards"]).await;
}
