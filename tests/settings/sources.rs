//! Settings from URLs and from the environment.

use crate::pairs;
use millpond::managed::{Settings, SettingsError};
use std::process::Command;

fn url_error(url: &str) -> SettingsError {
    Settings::from_url(url).unwrap_err()
}

#[test]
fn a_url_gives_up_its_pool_parameters_and_nothing_else() {
    for (url, rest) in [
        ("db://h/d?pool_max_size=20", "db://h/d"),
        ("db://h/d?a=%20b&pool_max_size=20&c", "db://h/d?a=%20b&c"),
        ("db://h/d?pool_max_size=20&a=1&a=2", "db://h/d?a=1&a=2"),
        ("db://h/d?pool%5Fmax_size=2%30", "db://h/d"),
        (
            "db://u:pa%3Fss@h/d?pool_max_size=20&x=%ff",
            "db://u:pa%3Fss@h/d?x=%ff",
        ),
        ("sqlite:file.db?pool_max_size=20", "sqlite:file.db"),
    ] {
        let (settings, left) = Settings::from_url(url).unwrap();
        assert_eq!((settings.max_size, left.as_str()), (20, rest), "{url}");
        assert_eq!(Settings::strip_url(url), rest);
    }
    for untouched in [
        "",
        "db://h/d",
        "db://h/d?",
        "db://h/d?a=1&&mypool_max_size=3",
        "host=a password=b?pool_x=1",
        "no?pool_max_size=x",
        "1st:d?pool_max_size=3",
        "a b:d?pool_max_size=3",
    ] {
        let (settings, left) = Settings::from_url(untouched).unwrap();
        assert_eq!((settings, left.as_str()), (Settings::default(), untouched));
        assert_eq!(Settings::strip_url(untouched), untouched);
    }
    let (named, _) = Settings::from_url("db://h/d?pool_name=caf%C3%A9%20%26+co").unwrap();
    assert_eq!(named.name.as_deref(), Some("café &+co"));
}

#[test]
fn a_wrong_pool_parameter_of_a_url_is_told_as_it_is_written_there() {
    for (url, told) in [
        (
            "db://h/d?pool_max_size=many",
            r#"pool_max_size = "many": not a whole number; write digits alone, as in 20"#,
        ),
        (
            "db://h/d?pool_max_sise=5",
            "pool_max_sise: there is no such knob; do you mean max_size?",
        ),
        ("db://h/d?pool_max_size", "pool_max_size: it has no value"),
        (
            "db://h/d?pool_name=50%",
            r#"pool_name = "50%": its percent-encoding is wrong; write %25 for a %"#,
        ),
        (
            "db://h/d?pool_max_size=2&pool_max_size=3",
            r#"pool_max_size = "3": it is given twice; leave one away"#,
        ),
    ] {
        assert_eq!(url_error(url).to_string(), told);
    }
    let contradiction = url_error("db://h/d?pool_max_size=2&pool_min_idle=3");
    assert_eq!(contradiction.knob(), "pool_min_idle");
}

#[test]
fn no_error_shows_a_piece_of_a_password() {
    for url in [
        "db://alice:sesame@h/d?pool_max_size=x",
        "db://alice:sesame@h/d?pool_nonsense=1",
        "db://alice:open?pool_sesame@h/d",
        "db://alice:open?pool_max_sesame=1@h/d",
        "db://alice:open?pool_max_size=sesame@h/d",
        "db://alice:open?pool_name=%sesame@h/d",
        "db://alice:open?pool_min_idle=900&pool_name=sesame@h/d",
        "db://h/d?password=open&pool_sesame",
        "db://h/d?password=open&pool_sesame=1",
        "db://h/d?password=open&pool_sesame_name=1",
        "db://h/d?password=sesame&pool_max_size=x",
    ] {
        let error = url_error(url);
        let told = format!("{error} {error:?}");
        assert!(!told.contains("sesame") && !told.contains("open"), "{told}");
    }
}

/// The variable that makes this program read its environment; the prefix of its value.
const CHILD: &str = "MILLPOND_SETTINGS_CHILD";

/// What `Settings::from_env` comes to in a process with these variables.
fn in_environment(variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "sources::a_process_reads_its_environment",
        "--nocapture",
    ]);
    let output = child
        .env(CHILD, "SHOP_POOL_")
        .envs(variables.iter().copied());
    let output = output.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = String::from_utf8(output.stdout).unwrap();
    let told = output
        .split("<<<")
        .nth(1)
        .and_then(|rest| rest.split(">>>").next());
    told.expect("what the child read").to_owned()
}

#[test]
fn a_process_reads_its_environment() {
    if let Ok(prefix) = std::env::var(CHILD) {
        match Settings::from_env(&prefix) {
            Ok(settings) => {
                let neutral = pairs(&Settings::default());
                let changed = settings
                    .to_pairs()
                    .filter(|(name, text)| neutral[name] != *text);
                println!("<<<{:?}>>>", changed.collect::<Vec<_>>());
            }
            Err(error) => println!("<<<{error}>>>"),
        }
        return;
    }
    assert_eq!(in_environment(&[]), "[]");
    let read = in_environment(&[
        ("SHOP_POOL_MIN_IDLE", "1"),
        ("SHOP_POOL_MAX_LIFETIME", "30m"),
        ("SHOP_POOL_NAME", ""),
        ("SHOP_MAX_SIZE", "no business of ours"),
    ]);
    assert_eq!(read, r#"[("min_idle", "1"), ("max_lifetime", "30m")]"#);
    assert_eq!(
        in_environment(&[("SHOP_POOL_MAX_SIZE", "many")]),
        r#"SHOP_POOL_MAX_SIZE = "many": not a whole number; write digits alone, as in 20"#
    );
    assert_eq!(
        in_environment(&[("SHOP_POOL_MAX_SISE", "sesame")]),
        "SHOP_POOL_MAX_SISE: there is no such knob; do you mean max_size?"
    );
}
