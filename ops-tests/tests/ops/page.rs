use millpond_ops_tests::page::{PAGE, STALE, page};
use millpond_ops_tests::text_of;

#[test]
fn the_page_of_metrics_is_what_it_would_be_if_it_were_made_now() {
    assert!(text_of(PAGE) == page(), "{STALE}");
}
