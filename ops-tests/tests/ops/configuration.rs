use millpond_ops_tests::configuration::{PAGE, STALE, page, untitled};
use millpond_ops_tests::text_of;

#[test]
fn the_page_of_knobs_is_what_it_would_be_if_it_were_made_now() {
    assert!(text_of(PAGE) == page(), "{STALE}");
}

#[test]
fn every_knob_is_on_the_page() {
    assert_eq!(untitled(), Vec::<&str>::new());
}
