//! Rust source with its comments and literals blanked out, so that a rule about code is not
//! misled by words in a comment or a string. Lines and columns stay what they were.

/// The code alone.
pub(crate) fn code_only(text: &str) -> String {
    let mut rest = text.as_bytes();
    let mut code = Vec::with_capacity(rest.len());
    while let Some(first) = rest.first() {
        let in_word = code.last().is_some_and(|byte| is_word(*byte));
        let blank = no_code(rest, in_word);
        let (taken, left) = rest.split_at(blank.max(1));
        if blank == 0 {
            code.push(*first);
        } else {
            code.extend(
                taken
                    .iter()
                    .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }),
            );
        }
        rest = left;
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// How many bytes of comment or literal `rest` begins with.
fn no_code(rest: &[u8], in_word: bool) -> usize {
    match rest {
        [b'/', b'/', ..] => rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => 1 + until_quote(&rest[1..], b'"'),
        [b'\'', ..] => character(rest),
        [b'r', ..] | [b'b' | b'c', b'r', ..] if !in_word => raw_string(rest),
        _ => 0,
    }
}

/// Block comments nest.
fn block_comment(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// To the end of a literal with escapes, its closing quote included.
fn until_quote(rest: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// `'x'` or `'\n'`; a lifetime is code.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', ..] => 1 + until_quote(&rest[1..], b'\''),
        _ => {
            // One character is one to four bytes.
            let close = rest
                .iter()
                .take(6)
                .skip(2)
                .position(|byte| *byte == b'\'')
                .map_or(0, |at| at + 2);
            let one = std::str::from_utf8(&rest[1..close.max(1)])
                .is_ok_and(|text| text.chars().count() == 1);
            if one { close + 1 } else { 0 }
        }
    }
}

/// `r"…"`, `br#"…"#`; `r#name` is code.
fn raw_string(rest: &[u8]) -> usize {
    let prefix = if rest[0] == b'r' { 1 } else { 2 };
    let hashes = rest[prefix..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return 0;
    }
    let close: Vec<u8> = std::iter::once(b'"')
        .chain(std::iter::repeat_n(b'#', hashes))
        .collect();
    let body = &rest[open + 1..];
    let end = body.windows(close.len()).position(|window| window == close);
    end.map_or(rest.len(), |end| open + 1 + end + close.len())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_code(text: &str, code: &str) {
        let only = code_only(text);
        assert_eq!(only.split_whitespace().collect::<Vec<_>>().join(" "), code);
        assert_eq!(only.len(), text.len(), "columns move");
        assert_eq!(only.lines().count(), text.lines().count(), "lines move");
    }

    #[test]
    fn comments_are_no_code() {
        assert_code(
            "a(); // b();\n/// c();\nd(); /* e /* f */ g */ h();",
            "a(); d(); h();",
        );
        assert_code("a /* never closed", "a");
    }

    #[test]
    fn strings_are_no_code() {
        assert_code("a(\"b // \\\" c\", d);", "a( , d);");
        assert_code("a(b\"x\", br#\"y \" z\"#, r\"\\\", c);", "a(b , , , c);");
        assert_code("two(\"lines\nof text\") + 1", "two( ) + 1");
        assert_code("\"never closed", "");
    }

    #[test]
    fn characters_are_no_code_and_lifetimes_are() {
        assert_code("f('\"', '\\'', '\u{e9}', 'x'); g", "f( , , , ); g");
        assert_code(
            "fn f<'a, 'b>(x: &'a str) -> &'static str",
            "fn f<'a, 'b>(x: &'a str) -> &'static str",
        );
    }

    #[test]
    fn raw_names_and_words_that_end_in_r_are_code() {
        assert_code("r#type + for_r + r + br", "r#type + for_r + r + br");
    }
}
