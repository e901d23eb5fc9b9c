//! What is asked of every pool at the end of every case.

use crate::defect::Defect;
use crate::trial::fails_by;

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_counts_other_than_the_server_is_seen() {
    fails_by("leaks", Defect::SizeLies, &["pool and server agree"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_outlives_its_pool_is_seen() {
    fails_by(
        "leaks",
        Defect::LeavesOneOpen,
        &["nothing left at the server"],
    )
    .await;
}
