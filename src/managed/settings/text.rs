//! Values as people write them: `20`, `30s`, `1h30m`, `true`, `Lifo`; and `none`, where there may be none.

use super::Form;
use crate::managed::QueueMode;
use std::time::Duration;

/// A value that is read from a text and written as one.
pub(super) trait Text: Sized {
    const FORM: Form;
    /// Whether it may be `none`.
    const OPTIONAL: bool = false;

    /// What the text means, or what is wrong with it and how it should be.
    fn read(text: &str) -> Result<Self, &'static str>;

    fn written(&self) -> String;
}

macro_rules! whole {
    ($($number:ty),*) => {$(
        impl Text for $number {
            const FORM: Form = Form::Whole;

            fn read(text: &str) -> Result<Self, &'static str> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                if !digits {
                    return Err("not a whole number; write digits alone, as in 20");
                }
                text.parse().map_err(|_| "too large a number")
            }

            fn written(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

whole!(usize, u32, u64);

impl Text for f64 {
    const FORM: Form = Form::Share;

    fn read(text: &str) -> Result<Self, &'static str> {
        text.parse()
            .map_err(|_| "not a share; write a number from 0 to 1, as in 0.1")
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Text for bool {
    const FORM: Form = Form::Flag;

    fn read(text: &str) -> Result<Self, &'static str> {
        text.parse()
            .map_err(|_| "neither true nor false; write one of them")
    }

    fn written(&self) -> String {
        self.to_string()
    }
}

impl Text for QueueMode {
    const FORM: Form = Form::Order;

    fn read(text: &str) -> Result<Self, &'static str> {
        let modes = [Self::Fifo, Self::Lifo];
        let named = |mode: &Self| mode.written().eq_ignore_ascii_case(text);
        let found = modes.into_iter().find(named);
        found.ok_or("neither Fifo nor Lifo; write one of them")
    }

    fn written(&self) -> String {
        match self {
            Self::Fifo => "Fifo".to_owned(),
            Self::Lifo => "Lifo".to_owned(),
        }
    }
}

impl Text for String {
    const FORM: Form = Form::Text;

    fn read(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }

    fn written(&self) -> String {
        self.clone()
    }
}

impl<T: Text> Text for Option<T> {
    const FORM: Form = T::FORM;
    const OPTIONAL: bool = true;

    fn read(text: &str) -> Result<Self, &'static str> {
        if text == NONE {
            return Ok(None);
        }
        T::read(text).map(Some)
    }

    fn written(&self) -> String {
        self.as_ref().map_or_else(|| NONE.to_owned(), T::written)
    }
}

impl Text for Duration {
    const FORM: Form = Form::Duration;

    /// Whole numbers with their units, the larger unit first: `1h30m`, `1500ms`. Spaces may stand between.
    fn read(text: &str) -> Result<Self, &'static str> {
        let mut rest = text.trim();
        let mut units = UNITS.iter();
        let mut sum = Self::ZERO;
        if rest.is_empty() {
            return Err(NO_DURATION);
        }
        while !rest.is_empty() {
            let (digits, after) = rest.split_at(end(rest, |c| c.is_ascii_digit()));
            let after = after.trim_start();
            let (unit, after) = after.split_at(end(after, char::is_alphabetic));
            let number: u64 = match digits {
                "" => return Err(NO_DURATION),
                digits => digits.parse().map_err(|_| TOO_LONG)?,
            };
            if unit.is_empty() {
                return Err(match after {
                    "" => {
                        "a number without its unit; write one of d, h, m, s, ms, us, ns, as in 30s"
                    }
                    _ => NO_DURATION,
                });
            }
            // The units before this one are passed: none comes twice, and the larger ones come first.
            let (_, size) = units.find(|(name, _)| *name == unit).ok_or(NO_DURATION)?;
            sum = times(*size, number)
                .and_then(|part| sum.checked_add(part))
                .ok_or(TOO_LONG)?;
            rest = after.trim_start();
        }
        Ok(sum)
    }

    fn written(&self) -> String {
        let (mut seconds, mut nanos) = (self.as_secs(), u64::from(self.subsec_nanos()));
        let mut text = String::new();
        for (unit, size) in UNITS {
            let (left, size) = match size.as_secs() {
                0 => (&mut nanos, u64::from(size.subsec_nanos())),
                size => (&mut seconds, size),
            };
            let number = *left / size;
            *left %= size;
            if number > 0 {
                text.push_str(&format!("{number}{unit}"));
            }
        }
        if text.is_empty() {
            return "0s".to_owned();
        }
        text
    }
}

/// Where what `is` of one kind ends.
fn end(text: &str, is: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is(c)).unwrap_or(text.len())
}

/// `number` times a unit, which is whole seconds or less than one.
fn times(unit: Duration, number: u64) -> Option<Duration> {
    if unit >= Duration::from_secs(1) {
        return unit.as_secs().checked_mul(number).map(Duration::from_secs);
    }
    let per_second = 1_000_000_000 / u64::from(unit.subsec_nanos());
    let below = u32::try_from(number % per_second).ok()?;
    Some(Duration::from_secs(number / per_second) + unit * below)
}

/// Largest first. Months and years have no one length, and `M` would be too near to `m`.
const UNITS: [(&str, Duration); 7] = [
    ("d", Duration::from_secs(86_400)),
    ("h", Duration::from_secs(3_600)),
    ("m", Duration::from_secs(60)),
    ("s", Duration::from_secs(1)),
    ("ms", Duration::from_millis(1)),
    ("us", Duration::from_micros(1)),
    ("ns", Duration::from_nanos(1)),
];

const NO_DURATION: &str = "not a duration; write whole numbers with d, h, m, s, ms, us or ns, larger units first, \
    as in 30s, 1500ms or 1h30m";
const TOO_LONG: &str = "too long a duration";

/// What stands for a value that is not there.
pub(super) const NONE: &str = "none";
