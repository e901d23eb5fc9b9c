//! Case 1.

use crate::defect::Defect;
use crate::trial::{fails_by, passes};

#[tokio::test(flavor = "multi_thread")]
async fn saturation_passes_without_a_defect() {
    passes("saturation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_seen() {
    let checks = ["everybody else times out", "never more than the most"];
    fails_by("saturation", Defect::OneTooMany, &checks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_before_the_bound_is_seen() {
    fails_by(
        "saturation",
        Defect::TimesOutEarly,
        &["nobody times out early"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_out_after_the_bound_is_seen() {
    fails_by(
        "saturation",
        Defect::TimesOutLate,
        &["nobody times out late"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_lies_is_seen() {
    fails_by(
        "saturation",
        Defect::CountsLie,
        &["utilisation, holder by holder"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_that_calls_itself_well_is_seen() {
    fails_by(
        "saturation",
        Defect::StaysHealthy,
        &["health, holder by holder"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_keeps_nothing_is_seen() {
    fails_by(
        "saturation",
        Defect::KeepsNothing,
        &["connections are kept ready"],
    )
    .await;
}
