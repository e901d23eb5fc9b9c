//! What an error of the server means for the connection that it came on.
//!
//! | what the server says | the connection |
//! | --- | --- |
//! | severity FATAL or PANIC, whatever the code | dead |
//! | class 08, connection exceptions | dead |
//! | 57P01, 57P02, 57P03: an administrator, a crash, a server that starts or stops | dead |
//! | 57P05 `idle_session_timeout`, 25P03 `idle_in_transaction_session_timeout` | dead |
//! | a notice of 57P02: another backend crashed, and this one goes too | dead |
//! | 25006, a write where nothing may be written | lives, and is not kept by a pool whose servers are to be written to |
//! | 57014 cancelled or timed out, 40001, 40P01, 25P02, and whatever else | lives |
//!
//! A client library tells such an error to the request that it answers, and nobody of one that answers none: so
//! it is read from the wire.

/// Whether a connection outlives what the server said on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does.
    Lives,
    /// It does, and the server does not write: it may have become a standby.
    Refused,
    /// The server ends it, or has lost its place in it.
    Dead,
}

/// The verdict on the first bytes of an ErrorResponse's or a NoticeResponse's body: fields of one letter and a text
/// that ends with a zero. The severity and the code come first.
pub(super) fn of(fields: &[u8]) -> Verdict {
    let mut rest = fields;
    let mut verdict = Verdict::Lives;
    while let [field, text @ ..] = rest {
        let Some(end) = text.iter().position(|byte| *byte == 0) else {
            break;
        };
        let dead = match field {
            // The severity in the server's language, and since PostgreSQL 9.6 in English.
            b'S' | b'V' => matches!(&text[..end], b"FATAL" | b"PANIC"),
            b'C' => is_deadly(&text[..end]),
            _ => false,
        };
        if dead {
            return Verdict::Dead;
        }
        if *field == b'C' && text[..end] == *b"25006" {
            verdict = Verdict::Refused;
        }
        rest = &text[end + 1..];
    }
    verdict
}

/// Whether a code ends its connection.
pub(super) fn is_deadly(code: &[u8]) -> bool {
    code.starts_with(b"08") || matches!(code, b"57P01" | b"57P02" | b"57P03" | b"57P05" | b"25P03")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(severity: &str, code: &str) -> Verdict {
        let body = format!("S{severity}\0V{severity}\0C{code}\0Mwhatever\0\0");
        of(body.as_bytes())
    }

    #[test]
    fn the_table_above() {
        for code in [
            "08006", "08P01", "57P01", "57P02", "57P03", "57P05", "25P03",
        ] {
            assert_eq!(said("ERROR", code), Verdict::Dead, "{code}");
        }
        for code in [
            "57014", "40001", "40P01", "25P02", "42601", "53300", "XX000",
        ] {
            assert_eq!(said("ERROR", code), Verdict::Lives, "{code}");
            assert_eq!(said("FATAL", code), Verdict::Dead, "{code}");
            assert_eq!(said("PANIC", code), Verdict::Dead, "{code}");
        }
        assert_eq!(said("ERROR", "25006"), Verdict::Refused);
        assert_eq!(said("FATAL", "25006"), Verdict::Dead);
        assert_eq!(said("WARNING", "57P02"), Verdict::Dead);
        assert_eq!(said("NOTICE", "00000"), Verdict::Lives);
    }

    #[test]
    fn a_text_that_is_cut_off_is_not_read() {
        assert_eq!(of(b"SERROR\0VERROR\0C57P"), Verdict::Lives);
        assert_eq!(of(b"C57P01"), Verdict::Lives);
        assert_eq!(of(b""), Verdict::Lives);
        assert_eq!(of(b"\0\0\0"), Verdict::Lives);
    }
}
