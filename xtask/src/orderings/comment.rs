//! Reads the `// ORDERING(name): …` comments and the operations that they explain.

use crate::house::{File, code_only};
use std::ops::Range;

/// One comment, and what it stands above.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Its name.
    pub(crate) name: String,
    /// The file's path from the root.
    pub(crate) path: String,
    /// The text of the whole comment, on one line.
    pub(crate) reason: String,
    /// The orderings that it explains, in order.
    pub(crate) uses: Vec<Use>,
}

/// One ordering, as an argument of an operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// `self.word.load`
    pub(crate) operation: String,
    /// `Acquire`
    pub(crate) ordering: String,
    /// Where that word stands in the file.
    pub(crate) at: Range<usize>,
    /// Whether it is for the case that a compare-and-swap fails.
    pub(crate) on_failure: bool,
}

impl Site {
    /// Whether it is shipped: not a stand-in for loom.
    pub(crate) fn is_shipped(&self) -> bool {
        !self.path.starts_with("src/engine/sync/")
    }
}

/// The comments of one file, each with its orderings: those before the next comment or function. The
/// file's own tests, which stand last in it, are left out.
pub(crate) fn sites(file: &File) -> Vec<Site> {
    let code = code_only(&file.text);
    let library = TESTS.iter().filter_map(|start| file.text.find(start)).min();
    let library = library.unwrap_or(file.text.len());
    let begins = |at: &usize| {
        let line = file.text[..*at].rfind('\n').map_or(0, |end| end + 1);
        file.text[line..*at].trim().is_empty()
    };
    let marks = file.text[..library].match_indices(MARK).map(|(at, _)| at);
    let starts: Vec<_> = marks.filter(begins).collect();
    let ends = starts.iter().skip(1).copied().chain([library]);
    let each = starts.iter().zip(ends);
    each.filter_map(|(start, end)| site(file, &code, *start..end))
        .collect()
}

fn site(file: &File, code: &str, range: Range<usize>) -> Option<Site> {
    let (name, _) = file.text[range.start + MARK.len()..range.end].split_once("):")?;
    let below = &code[range.clone()];
    let length = below.find("fn ").unwrap_or(below.len());
    Some(Site {
        name: name.to_owned(),
        path: file.path.clone(),
        reason: reason(&file.text[range.start..range.end]),
        uses: uses(code, range.start..range.start + length),
    })
}

/// The comment's lines as one, without its name.
fn reason(text: &str) -> String {
    let lines = text.lines().map(str::trim_start);
    let comment = lines.map_while(|line| line.strip_prefix("//"));
    let whole = comment.map(str::trim).collect::<Vec<_>>().join(" ");
    whole
        .split_once("): ")
        .map_or(String::new(), |(_, reason)| reason.to_owned())
}

fn uses(code: &str, range: Range<usize>) -> Vec<Use> {
    let mut uses: Vec<Use> = Vec::new();
    let mut before = None;
    for (at, _) in code[range.clone()].match_indices(PATH) {
        let start = range.start + at + PATH.len();
        let length = word_length(&code[start..]);
        let ordering = &code[start..start + length];
        let open = ORDERINGS
            .contains(&ordering)
            .then(|| opening(&code[..start]))
            .flatten();
        let Some(open) = open else { continue };
        uses.push(Use {
            operation: callee(&code[..open]),
            ordering: ordering.to_owned(),
            at: start..start + length,
            on_failure: before == Some(open),
        });
        before = Some(open);
    }
    uses
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric())
        .unwrap_or(text.len())
}

/// Where the parenthesis stands that is still open at the end of `code`.
fn opening(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' if depth == 0 => return Some(at),
            b'(' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The path of names and calls that `code` ends with, without the blanks in it.
fn callee(code: &str) -> String {
    let mut start = code.len();
    while let Some(last) = code[..start].bytes().last() {
        if last == b')' {
            start = opening(&code[..start - 1]).unwrap_or(0);
        } else if is_of_path(last) {
            start -= 1;
        } else if last.is_ascii_whitespace() && code[start..].trim_start().starts_with('.') {
            start = code[..start].trim_end().len();
        } else {
            break;
        }
    }
    code[start..].split_whitespace().collect()
}

fn is_of_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.:".contains(&byte)
}

const MARK: &str = "// ORDERING(";
const PATH: &str = "Ordering::";
const TESTS: [&str; 2] = ["\n#[cfg(test)]", "\n#[cfg(all(test"];
const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
fn push(&self) {
    // ORDERING(top): Relaxed; only
    // compared.
    let mut bits = State::from_bits(stack.load(Ordering::Relaxed));
    // A comment of its own.
    // ORDERING(push): Release pairs with `pop`.
    match self.node(number, [1]).below
        .compare_exchange_weak(bits, next.bits(), Ordering::Release, Ordering::Acquire) {
        Ok(_) => return a.cmp(Ordering::Less),
    }
}
fn other() {
    x.load(Ordering::Acquire)
}
";

    fn read() -> Vec<Site> {
        sites(&File::new("src/engine/it.rs", TEXT))
    }

    #[test]
    fn a_comment_is_read_whole() {
        let sites = read();
        assert_eq!(sites.len(), 2);
        assert_eq!((&*sites[0].name, &*sites[1].name), ("top", "push"));
        assert_eq!(sites[0].reason, "Relaxed; only compared.");
        assert_eq!(sites[1].reason, "Release pairs with `pop`.");
    }

    #[test]
    fn orderings_belong_to_the_comment_above_in_the_same_function() {
        let sites = read();
        let told = |site: &Site| -> Vec<_> {
            let tell = |it: &Use| format!("{} {} {}", it.operation, it.ordering, it.on_failure);
            site.uses.iter().map(tell).collect()
        };
        assert_eq!(told(&sites[0]), ["stack.load Relaxed false"]);
        let swap = "self.node(number,[1]).below.compare_exchange_weak";
        let both = [
            format!("{swap} Release false"),
            format!("{swap} Acquire true"),
        ];
        assert_eq!(told(&sites[1]), both);
        assert_eq!(&TEXT[sites[1].uses[0].at.clone()], "Release");
    }

    #[test]
    fn words_in_a_string_are_no_comment() {
        let file = File::new("src/it.rs", "const MARK: &str = \"// ORDERING(it): no\";\n");
        assert_eq!(sites(&file), []);
    }

    #[test]
    fn the_tests_of_a_file_are_left_out() {
        for start in TESTS {
            let file = File::new(
                "src/it.rs",
                &format!("{TEXT}{start}\nmod tests {{\n{TEXT}}}"),
            );
            assert_eq!(sites(&file), sites(&File::new("src/it.rs", TEXT)));
        }
    }

    #[test]
    fn stand_ins_are_not_shipped() {
        let site = |path| sites(&File::new(path, TEXT)).remove(0);
        assert!(site("src/engine/idle.rs").is_shipped());
        assert!(!site("src/engine/sync/stand_in.rs").is_shipped());
    }
}
