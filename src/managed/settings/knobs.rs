//! What a row of the table is.

use super::text::Text;
use super::{KNOBS, Settings, SettingsError};

/// One knob: what it is called, what it does and why it is as it is. A row of [`KNOBS`].
///
/// # Examples
///
/// ```
/// use millpond::managed::settings::{Form, Knob};
///
/// let knob = Knob::named("max_lifetime").unwrap();
/// assert_eq!((knob.form(), knob.is_optional()), (Form::Duration, true));
/// assert_eq!(knob.default, "none");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Knob {
    /// The field of [`Settings`]; in a URL with `pool_` before it, in the environment in capitals behind a prefix.
    pub name: &'static str,
    /// What it has to do with.
    pub group: Group,
    /// What it does.
    pub meaning: &'static str,
    /// What it has to do with other knobs.
    pub interaction: &'static str,
    /// What holds where nobody says anything.
    pub default: &'static str,
    /// Why that is so, and what to set instead.
    pub why: &'static str,
    /// What a manager of connections to a server begins with ([`Defaults::server`]), where that is something else;
    /// and why.
    ///
    /// [`Defaults::server`]: crate::managed::Defaults::server
    pub server: Option<(&'static str, &'static str)>,
    /// A value that is not the default.
    pub example: &'static str,
    pub(super) field: Field,
}

/// What a knob has to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// How many objects, and in which order.
    Size,
    /// How long a get takes at most.
    Bounds,
    /// Objects that lie ready.
    Spare,
    /// When an object has served its time.
    Renewal,
    /// Whether an object is still good.
    Checks,
    /// What becomes of connects that fail, and of too many callers.
    Storms,
    /// How the pool is seen.
    Sight,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A whole number: `20`.
    Whole,
    /// A number from 0 to 1: `0.1`.
    Share,
    /// Whole numbers with their units: `30s`, `1500ms`, `1h30m`.
    Duration,
    /// `true` or `false`.
    Flag,
    /// `Fifo` or `Lifo`.
    Order,
    /// Any text.
    Text,
}

impl Knob {
    /// The knob of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KNOBS.iter().find(|knob| knob.name == name)
    }

    /// How its value is written.
    pub fn form(&self) -> Form {
        self.field.form
    }

    /// Whether its value may be `none`.
    pub fn is_optional(&self) -> bool {
        self.field.optional
    }

    /// Sets it to what the text means.
    pub(super) fn read(&self, settings: &mut Settings, text: &str) -> Result<(), SettingsError> {
        (self.field.read)(settings, text).map_err(|why| SettingsError::new(self.name, text, why))
    }

    /// Its value as a text.
    pub(super) fn written(&self, settings: &Settings) -> String {
        (self.field.written)(settings)
    }
}

/// The way from a knob to its field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) form: Form,
    pub(super) optional: bool,
    pub(super) read: fn(&mut Settings, &str) -> Result<(), &'static str>,
    pub(super) written: fn(&Settings) -> String,
}

/// The form of the field that a function leads to, and whether it may be `none`.
pub(super) const fn form_of<T: Text>(_: fn(&Settings) -> &T) -> (Form, bool) {
    (T::FORM, T::OPTIONAL)
}

/// The [`Field`] of this name.
macro_rules! field {
    ($name:ident) => {
        Field {
            form: form_of(|settings| &settings.$name).0,
            optional: form_of(|settings| &settings.$name).1,
            read: |settings, text| {
                settings.$name = Text::read(text)?;
                Ok(())
            },
            written: |settings| settings.$name.written(),
        }
    };
}

pub(super) use field;
