//! Which crates a build was made of, as its `Cargo.lock` tells.

/// A `Cargo.lock`.
#[derive(Debug)]
pub struct Lock {
    text: String,
}

impl Lock {
    pub(crate) fn new(text: String) -> Self {
        Self { text }
    }

    /// Whether `name` is there as it was published.
    pub fn has_published(&self, name: &str) -> bool {
        self.packages(name).any(is_published)
    }

    /// Whether `name` is there from a folder.
    pub fn has_ours(&self, name: &str) -> bool {
        self.packages(name).any(|package| !is_published(package))
    }

    fn packages<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let begins = format!("\nname = \"{name}\"\n");
        // What was patched and is not used has a list of its own.
        let used = self.text.split("[[patch.unused]]").next();
        let packages = used.into_iter().flat_map(|used| used.split("[[package]]"));
        packages.filter(move |package| package.starts_with(&begins))
    }
}

fn is_published(package: &str) -> bool {
    package.contains("\nsource = \"registry+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_told_from_what_is_ours_and_from_what_is_unused() {
        let text = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n\n\
                    [[package]]\nname = \"b\"\nversion = \"1.0.0\"\n\n\
                    [[patch.unused]]\nname = \"c\"\nversion = \"1.0.0\"\n";
        let lock = Lock::new(text.to_owned());
        let of = |name| (lock.has_published(name), lock.has_ours(name));
        assert_eq!(of("a"), (true, false));
        assert_eq!(of("b"), (false, true));
        assert_eq!(of("c"), (false, false));
    }
}
