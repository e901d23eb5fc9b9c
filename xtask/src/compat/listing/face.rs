//! The public face of a crate, as lines: each path, what it is, its fields, variants, methods and traits.

use super::krate::{Item, Krate, Target};
use super::render::{bounds, clause, demands, parameters, path, signature, text, ty};
use serde_json::Value;
use std::collections::BTreeSet;

/// The lines of the crate `name`, which is one of `crates`; what it re-exports of the others is its own.
pub(super) fn lines(krate: &Krate, crates: &[Krate]) -> BTreeSet<String> {
    let mut face = Face {
        crates,
        lines: BTreeSet::new(),
    };
    if let Some(root) = krate.root() {
        face.module(root, "");
    }
    face.lines
}

struct Face<'a> {
    crates: &'a [Krate],
    lines: BTreeSet<String>,
}

impl<'a> Face<'a> {
    fn say(&mut self, line: String) {
        self.lines.insert(line);
    }

    fn module(&mut self, module: Item<'a>, at: &str) {
        let (_, inner) = module.inner();
        for item in module.items(&inner["items"]) {
            self.item(item, at, item.name());
        }
    }

    fn item(&mut self, item: Item<'a>, at: &str, name: &str) {
        let (kind, inner) = item.inner();
        if kind == "use" {
            return self.reexport(item, inner, at);
        }
        let here = match at {
            "" => name.to_owned(),
            _ => format!("{at}::{name}"),
        };
        let krate = item.krate;
        let head = |kind: &str| {
            let generics = &inner["generics"];
            let all = parameters(krate, generics) + &clause(&demands(krate, generics));
            format!("{kind} {here}{all}")
        };
        match kind {
            "module" => {
                self.say(format!("mod {here}"));
                self.module(item, &here);
            }
            "struct" => self.structure(item, inner, &here, head("struct")),
            "enum" => self.enumeration(item, inner, &here, head("enum")),
            "trait" => self.contract(item, inner, &here, head("trait")),
            "type_alias" => self.say(format!("{} = {}", head("type"), ty(krate, &inner["type"]))),
            "function" => self.say(format!(
                "{here}: {}",
                signature(krate, inner, &BTreeSet::new())
            )),
            "constant" => self.say(format!("const {here}: {}", ty(krate, &inner["type"]))),
            "macro" => self.say(format!("macro {here}! {}", arms(text(inner)))),
            _ => self.say(format!("{kind} {here}")),
        }
    }

    fn reexport(&mut self, item: Item<'a>, inner: &'a Value, at: &str) {
        let name = text(&inner["name"]);
        match (
            item.target(&inner["id"], self.crates),
            inner["is_glob"] == true,
        ) {
            (Target::Item(module), true) => self.module(module, at),
            (Target::Item(target), false) => self.item(target, at, name),
            (Target::Foreign(path), true) => self.say(format!("use {at}::* = {path}")),
            (Target::Foreign(path), false) => {
                let here = if at.is_empty() { "" } else { "::" };
                self.say(format!("use {at}{here}{name} = {path}"));
            }
        }
    }

    /// One that anybody can write down field by field says which fields there are: one more is a change.
    fn structure(&mut self, item: Item<'a>, inner: &'a Value, here: &str, head: String) {
        let plain = &inner["kind"]["plain"];
        let fields: Vec<_> = item.items(&plain["fields"]).collect();
        let open = plain["has_stripped_fields"] == false && !item.is_non_exhaustive();
        let names: Vec<_> = fields.iter().map(|field| field.name()).collect();
        match open {
            true => self.say(format!("{head} {{ {} }}", names.join(", "))),
            false => self.say(head),
        }
        for field in fields {
            let shown = ty(item.krate, field.inner().1);
            self.say(format!("{here}.{}: {shown}", field.name()));
        }
        self.impls(item, inner, here);
    }

    /// One that anybody can match without a rest says which variants there are.
    fn enumeration(&mut self, item: Item<'a>, inner: &'a Value, here: &str, head: String) {
        let variants: Vec<_> = item.items(&inner["variants"]).collect();
        let mut names: Vec<_> = variants.iter().map(|variant| variant.name()).collect();
        names.sort_unstable();
        match item.is_non_exhaustive() {
            false => self.say(format!("{head} {{ {} }}", names.join(", "))),
            true => self.say(format!("{head} {{ .. }}")),
        }
        for variant in variants {
            let kind = &variant.inner().1["kind"];
            let fields = item.items(kind.get("tuple").unwrap_or(&kind["struct"]["fields"]));
            let fields: Vec<_> = fields
                .map(|field| ty(item.krate, field.inner().1))
                .collect();
            self.say(format!("{here}::{}({})", variant.name(), fields.join(", ")));
        }
        self.impls(item, inner, here);
    }

    /// What an implementation must have is part of the head: one more is a change.
    fn contract(&mut self, item: Item<'a>, inner: &'a Value, here: &str, head: String) {
        let krate = item.krate;
        let mut required = Vec::new();
        for member in item.items(&inner["items"]) {
            let (kind, body) = member.inner();
            let name = member.name();
            let provided =
                body["has_body"] == true || body.get("default").is_some_and(|it| !it.is_null());
            if !provided && (kind == "function" || body["type"].is_null()) {
                required.push(name);
            }
            match kind {
                "function" => self.say(format!(
                    "{here}::{name}: {}",
                    signature(krate, body, &BTreeSet::new())
                )),
                _ => self.say(format!(
                    "{here}::{name}: {kind} {}",
                    bounds(krate, &body["bounds"])
                )),
            }
        }
        required.sort_unstable();
        let above = bounds(krate, &inner["bounds"]);
        self.say(format!("{head}: {above} {{ {} }}", required.join(", ")));
        for implementation in item.items(&inner["implementations"]) {
            let inner = implementation.inner().1;
            let all = clause(&demands(krate, &inner["generics"]));
            self.say(format!("impl {here} for {}{all}", ty(krate, &inner["for"])));
        }
    }

    fn impls(&mut self, item: Item<'a>, inner: &'a Value, here: &str) {
        let krate = item.krate;
        for implementation in item.items(&inner["impls"]) {
            let body = implementation.inner().1;
            let demands = demands(krate, &body["generics"]);
            let of = &body["trait"];
            if of.is_null() {
                for member in implementation.items(&body["items"]) {
                    self.member(member, here, &demands);
                }
            } else if body["blanket_impl"].is_null() && !is_unstable(text(&of["path"])) {
                let not = if body["is_negative"] == true { "!" } else { "" };
                let types = implementation.items(&body["items"]).filter_map(|member| {
                    let (kind, body) = member.inner();
                    (kind == "assoc_type")
                        .then(|| format!(" {} = {}", member.name(), ty(krate, &body["type"])))
                });
                let types: String = types.collect();
                let of = path(krate, of);
                self.say(format!(
                    "impl {not}{of} for {here}{types}{}",
                    clause(&demands)
                ));
            }
        }
    }

    fn member(&mut self, member: Item<'a>, here: &str, demands: &BTreeSet<String>) {
        let (kind, body) = member.inner();
        let shown = match kind {
            "function" => signature(member.krate, body, demands),
            _ => format!("{kind} {}", ty(member.krate, &body["type"])),
        };
        self.say(format!("{here}::{}: {shown}", member.name()));
    }
}

/// The patterns of a macro, without its name.
fn arms(text: &str) -> String {
    let patterns = text.lines().skip(1).map(str::trim);
    patterns
        .filter(|line| line.contains("=>"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What nobody can name on a stable toolchain.
fn is_unstable(path: &str) -> bool {
    let name = path.rsplit("::").next().unwrap_or_default();
    [
        "Freeze",
        "UnsafeUnpin",
        "StructuralPartialEq",
        "StructuralEq",
    ]
    .contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(name: &str, kind: &str, inner: Value) -> Value {
        json!({ "name": name, "attrs": [], "inner": { kind: inner } })
    }

    fn plain() -> Value {
        json!({ "params": [], "where_predicates": [] })
    }

    fn generic(name: &str) -> Value {
        json!({ "generic": name })
    }

    /// `T: Clone`, at the parameter or after `where`.
    fn clone(after: bool) -> Value {
        let bounds = json!([{ "trait_bound": { "trait": { "path": "Clone", "id": 90, "args": null }, "modifier": "none" } }]);
        let (here, there) = match after {
            true => (
                json!([]),
                json!([{ "bound_predicate": { "type": generic("T"), "bounds": bounds } }]),
            ),
            false => (bounds, json!([])),
        };
        let param = json!({ "name": "T", "kind": { "type": { "bounds": here, "default": null, "is_synthetic": false } } });
        json!({ "params": [param], "where_predicates": there })
    }

    fn function(inputs: Value, output: Value, is_async: bool) -> Value {
        json!({
            "sig": { "inputs": inputs, "output": output }, "generics": plain(),
            "header": { "is_const": false, "is_unsafe": false, "is_async": is_async }, "has_body": true,
        })
    }

    /// A crate with an enum and a struct; `after` and `is_async` are its style.
    fn crate_of(after: bool, is_async: bool, variants: Value) -> Krate {
        let own = json!({ "borrowed_ref": { "is_mutable": false, "lifetime": "'a", "type": generic("Self") } });
        let number = json!({ "primitive": "u8" });
        let future = json!({ "impl_trait": [{ "trait_bound": { "modifier": "none", "trait": {
            "path": "std::future::Future", "id": 91, "args": { "angle_bracketed": { "args": [], "constraints": [
                { "name": "Output", "binding": { "equality": { "type": number } } }
            ] } }
        } } }] });
        let get = function(
            json!([["self", own]]),
            if is_async { number.clone() } else { future },
            is_async,
        );
        let methods =
            json!({ "trait": null, "generics": clone(after), "items": [5], "blanket_impl": null });
        let debug = json!({ "trait": { "path": "fmt::Debug", "id": 92, "args": null }, "generics": plain(),
            "items": [], "blanket_impl": null, "is_negative": false });
        let kind = json!({ "plain": { "fields": [7], "has_stripped_fields": false } });
        Krate::of(
            "it",
            json!({
                "root": 0, "crate_version": "1.0.0", "paths": {},
                "index": {
                    "0": item("it", "module", json!({ "items": [1, 3] })),
                    "1": item("E", "enum", json!({ "generics": plain(), "variants": variants, "impls": [] })),
                    "2": item("A", "variant", json!({ "kind": { "tuple": [7] } })),
                    "8": item("B", "variant", json!({ "kind": "plain" })),
                    "3": item("S", "struct", json!({ "generics": clone(after), "kind": kind, "impls": [4, 6] })),
                    "4": item("", "impl", methods),
                    "5": item("get", "function", get),
                    "6": item("", "impl", debug),
                    "7": item("value", "struct_field", number),
                },
            }),
        )
    }

    fn lines_of(krate: Krate) -> BTreeSet<String> {
        let crates = [krate];
        lines(&crates[0], &crates)
    }

    #[test]
    fn each_thing_is_a_line() {
        let all: Vec<_> = lines_of(crate_of(false, true, json!([2])))
            .into_iter()
            .collect();
        assert_eq!(
            all,
            [
                "E::A(u8)",
                "S.value: u8",
                "S::get: fn(&self) -> impl Future<Output = u8> where T: Clone",
                "enum E { A }",
                "impl Debug for S",
                "struct S<T> where T: Clone { value }",
            ]
        );
    }

    #[test]
    fn style_makes_no_difference() {
        let one = crate_of(false, true, json!([2]));
        let other = crate_of(true, false, json!([2]));
        assert_eq!(lines_of(one), lines_of(other));
    }

    #[test]
    fn one_variant_more_of_an_enum_that_may_be_matched_is_a_difference() {
        let one = lines_of(crate_of(false, true, json!([2])));
        let more = lines_of(crate_of(false, true, json!([2, 8])));
        let missing: Vec<_> = one.difference(&more).collect();
        assert_eq!(missing, ["enum E { A }"]);
    }

    #[test]
    fn what_another_crate_has_is_found_in_it() {
        let face = |id: u32| {
            json!({
                "root": 0, "paths": { "9": { "crate_id": 7, "path": ["it", "private", "E"] },
                    "10": { "crate_id": 8, "path": ["std", "Other"] } },
                "index": { "0": item("face", "module", json!({ "items": [1] })),
                    "1": item("", "use", json!({ "name": "Named", "id": id, "is_glob": false })) },
            })
        };
        let found = |id| {
            let mut it = crate_of(false, true, json!([2]));
            it.know("1", &["it", "private", "E"]);
            let crates = [Krate::of("face", face(id)), it];
            lines(&crates[0], &crates).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(found(9), ["Named::A(u8)", "enum Named { A }"]);
        assert_eq!(found(10), ["use Named = std::Other"]);
    }
}
