//! Times and numbers as people read them, and text that can stand in a page whatever it is.

use std::fmt::{self, Write};

/// A text in a page: what would be markup is shown as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // No page may hold them, and no terminal sequence shall come out of one either.
                letter if letter.is_control() && letter != '\n' => f.write_char('\u{fffd}')?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// A time in milliseconds, in the unit that suits it.
pub(crate) fn time(ms: f64) -> String {
    match ms {
        ms if ms < 0.9995 => format!("{:.0} µs", ms * 1_000.0),
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 100.0 => format!("{ms:.1} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 9_995.0 => format!("{:.2} s", ms / 1_000.0),
        ms if ms.is_finite() => format!("{:.1} s", ms / 1_000.0),
        _ => "unknown".to_owned(),
    }
}

/// `1 case`, `2 cases`.
pub(crate) fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// A name as a place in a page, and in the links to it.
pub(super) fn anchor(name: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '-'
        }
    };
    name.chars().map(plain).collect()
}

/// The name that a pool has at the server, without what only makes it unlike all others: `lab-millpond-saturation-0a1b2c`
/// is `saturation`.
pub(crate) fn role<'a>(name: &'a str, pool: &str) -> &'a str {
    let inner = name
        .strip_prefix("lab-")
        .and_then(|rest| rest.strip_prefix(pool)?.strip_prefix('-'));
    inner
        .and_then(|rest| rest.rsplit_once('-'))
        .map_or(name, |(role, _)| role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_shown_and_does_nothing() {
        let text = Text("<b onclick='x(\"&\")'>\u{1b}[31m").to_string();
        assert_eq!(
            text,
            "&lt;b onclick=&#39;x(&quot;&amp;&quot;)&#39;&gt;\u{fffd}[31m"
        );
    }

    #[test]
    fn times_have_the_unit_that_suits_them() {
        let times = [0.0, 0.25, 1.5, 49.96, 250.0, 999.6, 5_003.0, 61_000.0];
        assert_eq!(
            times.map(time),
            [
                "0 µs", "250 µs", "1.50 ms", "50.0 ms", "250 ms", "1.00 s", "5.00 s", "61.0 s"
            ]
        );
        assert_eq!(time(f64::NAN), "unknown");
    }

    #[test]
    fn a_role_is_what_a_reader_needs_of_a_name() {
        assert_eq!(
            role("lab-millpond-saturation-0a1b2c", "millpond"),
            "saturation"
        );
        assert_eq!(
            role("lab-millpond-quiet-one-0a1b2c", "millpond"),
            "quiet-one"
        );
        assert_eq!(role("somebody-else", "millpond"), "somebody-else");
    }
}
