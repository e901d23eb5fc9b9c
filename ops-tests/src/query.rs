//! Which metrics and labels a PromQL query names. Whether it is one at all is for promtool to say.

/// What a query names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The series that it selects.
    pub selectors: Vec<Selector>,
    /// The labels in `by (…)`, `on (…)` and the like.
    pub grouped: Vec<String>,
    /// The labels in `without (…)` and `ignoring (…)`.
    pub without: Vec<String>,
}

/// `metric{label="value"}`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The name of the series.
    pub metric: String,
    /// What stands in the braces.
    pub matchers: Vec<Matcher>,
}

/// `label="value"`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// The label's name.
    pub label: String,
    /// Whether the value is a pattern.
    pub is_pattern: bool,
    /// The value.
    pub value: String,
}

/// Reads a query.
///
/// # Errors
///
/// What could not be read.
pub fn read(text: &str) -> Result<Query, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens };
    let mut query = Query::default();
    while let Some(token) = reader.next() {
        match token {
            Token::Word(word) => reader.word(word, &mut query)?,
            Token::Sign("{") => return Err(format!("a selector without a metric in `{text}`")),
            Token::Sign(_) | Token::Text(_) | Token::Number => {}
        }
    }
    Ok(query)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Text(&'a str),
    /// A number, a duration or a range in brackets.
    Number,
    Sign(&'a str),
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(*first)
    }

    /// Takes `sign` if it is next.
    fn take(&mut self, sign: &str) -> bool {
        let is_next = self.tokens.first() == Some(&Token::Sign(sign));
        if is_next {
            self.next();
        }
        is_next
    }

    fn word(&mut self, word: &str, query: &mut Query) -> Result<(), String> {
        match word {
            "by" | "on" | "group_left" | "group_right" => query.grouped.extend(self.labels()?),
            "without" | "ignoring" => query.without.extend(self.labels()?),
            "and" | "or" | "unless" | "offset" | "bool" => {}
            _ if self.tokens.first() == Some(&Token::Sign("(")) => {}
            _ if AGGREGATIONS.contains(&word) => {}
            _ => {
                let matchers = self.matchers()?;
                let metric = word.to_owned();
                query.selectors.push(Selector { metric, matchers });
            }
        }
        Ok(())
    }

    /// `(a, b)`, or nothing.
    fn labels(&mut self) -> Result<Vec<String>, String> {
        let mut labels = Vec::new();
        if !self.take("(") {
            return Ok(labels);
        }
        loop {
            match self.next() {
                Some(Token::Word(label)) => labels.push(label.to_owned()),
                Some(Token::Sign(",")) => {}
                Some(Token::Sign(")")) => return Ok(labels),
                other => return Err(format!("{other:?} among labels")),
            }
        }
    }

    /// `{a="b", c=~"d"}`, or nothing.
    fn matchers(&mut self) -> Result<Vec<Matcher>, String> {
        let mut matchers = Vec::new();
        if !self.take("{") {
            return Ok(matchers);
        }
        loop {
            match self.next() {
                Some(Token::Word(label)) => matchers.push(self.matcher(label)?),
                Some(Token::Sign(",")) => {}
                Some(Token::Sign("}")) => return Ok(matchers),
                other => return Err(format!("{other:?} in the braces of a selector")),
            }
        }
    }

    fn matcher(&mut self, label: &str) -> Result<Matcher, String> {
        match (self.next(), self.next()) {
            (Some(Token::Sign(sign @ ("=" | "!=" | "=~" | "!~"))), Some(Token::Text(value))) => {
                Ok(Matcher {
                    label: label.to_owned(),
                    is_pattern: sign.ends_with('~'),
                    value: value.to_owned(),
                })
            }
            other => Err(format!("{other:?} after the label {label}")),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '"' | '\'' | '`' => {
                let length = text_length(rest, first)?;
                (Some(Token::Text(&rest[1..length - 1])), length)
            }
            '[' => {
                let end = rest.find(']').ok_or("a range without its end")?;
                (Some(Token::Number), end + 1)
            }
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            _ if is_word(first) && !first.is_ascii_digit() => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                (Some(Token::Word(&rest[..length])), length)
            }
            _ if first.is_ascii_digit() => {
                let ends = |c: char| !c.is_ascii_alphanumeric() && c != '.';
                (Some(Token::Number), rest.find(ends).unwrap_or(rest.len()))
            }
            _ => {
                let two = rest.get(..2).filter(|two| SIGNS.contains(two));
                let sign = two.unwrap_or(&rest[..first.len_utf8()]);
                (Some(Token::Sign(sign)), sign.len())
            }
        };
        tokens.extend(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The length of a literal, its quotes included.
fn text_length(rest: &str, quote: char) -> Result<usize, String> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err(format!("a literal without its end: {rest}"))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

const SIGNS: [&str; 6] = ["!=", "=~", "!~", ">=", "<=", "=="];

/// They may stand before `by` and `without`, not only before a parenthesis.
const AGGREGATIONS: [&str; 12] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "stddev",
    "stdvar",
    "count",
    "count_values",
    "bottomk",
    "topk",
    "quantile",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(text: &str) -> Vec<String> {
        let query = read(text).expect("a query");
        query
            .selectors
            .into_iter()
            .map(|selector| selector.metric)
            .collect()
    }

    #[test]
    fn metrics_are_told_from_functions_keywords_and_labels() {
        let text = "sum by (job, le) (rate(a_bucket{job=\"x\"}[5m])) / on (job) group_left b # c\n and d > 1e3";
        assert_eq!(metrics(text), ["a_bucket", "b", "d"]);
        let query = read(text).unwrap();
        assert_eq!(query.grouped, ["job", "le", "job"]);
        let text = "max without (x) (pool:y:z) unless ignoring (v) increase(w[$__range] offset 1d) == bool 0.5";
        assert_eq!(metrics(text), ["pool:y:z", "w"]);
        assert_eq!(read(text).unwrap().without, ["x", "v"]);
    }

    #[test]
    fn matchers_are_read() {
        let query = read("a{b=\"c } \\\" d\",e!~'f|g', }").unwrap();
        let told = query.selectors[0].matchers.iter();
        let told: Vec<_> = told.map(|m| (&*m.label, m.is_pattern, &*m.value)).collect();
        assert_eq!(told, [("b", false, "c } \\\" d"), ("e", true, "f|g")]);
    }

    #[test]
    fn what_is_no_query_is_told() {
        for text in [
            "{job=\"x\"}",
            "a{b}",
            "a{b=c}",
            "a{b=\"c\"",
            "a[5m",
            "a{b=\"c}",
            "sum by (a",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
