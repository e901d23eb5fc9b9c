//! The page in a real browser: the plots are there, in both schemes, and on a phone.

use crate::browser::{Area, Browser, Picture, Scheme};
use crate::fixture;
use millpond_lab::report::page;
use serde_json::Value;

/// The colours of the style sheet by name, `#rrggbb`, in the light scheme or in the dark one.
struct Colors(Scheme);

impl Colors {
    fn of(&self, name: &str) -> String {
        let style = include_str!("../../src/report/style.css");
        let (light, dark) = style
            .split_once("prefers-color-scheme: dark")
            .expect("two schemes");
        let part = if self.0 == Scheme::Light { light } else { dark };
        let wanted = format!("--{name}: ");
        let (_, rest) = part
            .split_once(&wanted)
            .unwrap_or_else(|| panic!("no {name}"));
        rest[..7].to_owned()
    }
}

fn browser(name: &str) -> Browser {
    Browser::with(&page(&fixture::report()).expect("it is drawn"), name)
}

fn area(of: &Value) -> Area {
    let part = |name: &str| of[name].as_f64().expect("a number") as usize;
    Area {
        left: part("left"),
        top: part("top"),
        width: part("width"),
        height: part("height"),
    }
}

fn plots<'a>(said: &'a Value, kind: &str, case: &str) -> Vec<&'a Value> {
    let all = said["plots"].as_array().expect("plots").iter();
    all.filter(|plot| plot["kind"] == kind && plot["case"] == case)
        .collect()
}

#[track_caller]
fn assert_ink(picture: &Picture, plot: &Value, scheme: Scheme, inks: &[(&str, usize)]) {
    let area = area(plot);
    for (ink, at_least) in inks {
        let count = picture.count(area, &Colors(scheme).of(ink));
        assert!(
            count >= *at_least,
            "{scheme:?}: {count} pixels of {ink} in {plot}"
        );
    }
}

/// Nothing that a reader would stumble over.
#[track_caller]
fn assert_legible(said: &Value, width: usize) {
    assert_eq!(said["width"], width, "{said}");
    for fault in ["outside", "small", "covered", "cut"] {
        assert_eq!(said[fault], Value::Array(Vec::new()), "{fault}");
    }
    assert!(
        said["scroll"].as_f64() <= Some(width as f64),
        "wider than the page: {}",
        said["scroll"]
    );
    assert_eq!(said["small_words"], 0);
    // Ours alone: none came with a text.
    assert_eq!(said["scripts"], 1);
    assert!(
        said["title"]
            .as_str()
            .is_some_and(|title| title.starts_with("Exhaustion lab"))
    );
}

const TIMELINE: [(&str, usize); 8] = [
    ("used", 150),
    ("size", 100),
    ("idle", 30),
    ("waiting", 40),
    ("healthy", 300),
    ("critical", 60),
    ("fault", 60),
    ("text", 20),
];
const WAITS: [(&str, usize); 3] = [("served", 800), ("refused", 200), ("text", 20)];

fn assert_looks(name: &str, scheme: Scheme, width: usize) -> Value {
    let browser = browser(name);
    let said = browser.measure(width);
    assert_legible(&said, width);
    let height = said["height"].as_f64().expect("a height") as usize;
    let picture = browser.picture(scheme, width, height);
    for (kind, inks) in [("timeline", &TIMELINE[..]), ("waits", &WAITS[..])] {
        let shown = plots(&said, kind, "recovery");
        assert_eq!(shown.len(), 1, "{said}");
        assert_ink(&picture, shown[0], scheme, inks);
    }
    // Those that know all of themselves, and the one that does not.
    let side_by_side = plots(&said, "timeline", "saturation");
    assert_eq!(side_by_side.len(), 3);
    for plot in &side_by_side[..2] {
        assert_ink(
            &picture,
            plot,
            scheme,
            &[("used", 60), ("waiting", 60), ("critical", 60)],
        );
    }
    let blind = area(side_by_side[2]);
    assert_eq!(picture.count(blind, &Colors(scheme).of("waiting")), 0);
    let paper = picture.count(picture.all(width), &Colors(scheme).of("paper"));
    assert!(paper * 10 > width * height, "{paper} pixels of paper");
    let other = if scheme == Scheme::Light {
        Scheme::Dark
    } else {
        Scheme::Light
    };
    let others = picture.count(picture.all(width), &Colors(other).of("paper"));
    assert!(
        others * 20 < width * height,
        "{others} pixels of the other scheme's paper"
    );
    said
}

#[test]
fn on_a_desk_in_light() {
    assert_looks("light", Scheme::Light, 1_280);
}

#[test]
fn on_a_desk_in_dark() {
    assert_looks("dark", Scheme::Dark, 1_280);
}

#[test]
fn on_a_phone() {
    let said = assert_looks("phone", Scheme::Light, 390);
    // One pool below the other, each as wide as the page.
    let pools = plots(&said, "timeline", "saturation");
    let first = area(pools[0]);
    assert!(area(pools[1]).top > first.top + first.height);
    assert!(first.width > 330, "{}", pools[0]);
}

#[test]
fn pools_stand_side_by_side_where_there_is_room() {
    let said = browser("side").measure(1_680);
    assert_legible(&said, 1_680);
    let pools = plots(&said, "timeline", "saturation");
    let areas: Vec<_> = pools.iter().map(|plot| area(plot)).collect();
    assert!(
        areas
            .windows(2)
            .all(|two| two[0].top == two[1].top && two[0].left < two[1].left),
        "{areas:?}"
    );
}
