//! Types and bounds as text, with what is a matter of style left out: paths, lifetimes, the order of bounds,
//! and whether a bound stands at a parameter or after `where`.

use super::krate::Krate;
use serde_json::Value;
use std::collections::BTreeSet;

/// A type.
pub(super) fn ty(krate: &Krate, value: &Value) -> String {
    let Some((kind, value)) = value.as_object().and_then(|it| it.iter().next()) else {
        return "_".to_owned();
    };
    match kind.as_str() {
        "resolved_path" => path(krate, value),
        "generic" | "primitive" => text(value).to_owned(),
        "borrowed_ref" => {
            let mutable = if value["is_mutable"] == true {
                "mut "
            } else {
                ""
            };
            let lifetime = if value["lifetime"] == "'static" {
                "'static "
            } else {
                ""
            };
            format!("&{lifetime}{mutable}{}", ty(krate, &value["type"]))
        }
        "tuple" => format!("({})", list(value, |it| ty(krate, it))),
        "slice" => format!("[{}]", ty(krate, value)),
        "array" => format!("[{}; {}]", ty(krate, &value["type"]), text(&value["len"])),
        "impl_trait" => format!("impl {}", bounds(krate, value)),
        "dyn_trait" => {
            let traits = array(&value["traits"]).map(|it| path(krate, &it["trait"]));
            format!("dyn {}", sorted(traits, " + "))
        }
        "qualified_path" => format!(
            "{}::{}",
            ty(krate, &value["self_type"]),
            text(&value["name"])
        ),
        _ => format!("{kind} {value}"),
    }
}

/// A name with its arguments; of its path only the end.
pub(super) fn path(krate: &Krate, value: &Value) -> String {
    let known = krate.path(&value["id"]);
    let name = match known.as_deref() {
        Some([.., name]) => name,
        _ => text(&value["path"]).rsplit("::").next().unwrap_or_default(),
    };
    format!("{name}{}", arguments(krate, &value["args"]))
}

fn arguments(krate: &Krate, value: &Value) -> String {
    if let Some(of_fn) = value.get("parenthesized") {
        let inputs = list(&of_fn["inputs"], |it| ty(krate, it));
        let output = match of_fn["output"].is_null() {
            true => String::new(),
            false => format!(" -> {}", ty(krate, &of_fn["output"])),
        };
        return format!("({inputs}){output}");
    }
    let value = &value["angle_bracketed"];
    let types = array(&value["args"]).filter_map(|it| it.get("type"));
    let types = types.map(|it| ty(krate, it));
    let bindings = array(&value["constraints"]).map(|it| constraint(krate, it));
    let all: Vec<_> = types.chain(bindings).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!("<{}>", all.join(", ")),
    }
}

fn constraint(krate: &Krate, value: &Value) -> String {
    let name = text(&value["name"]);
    let binding = &value["binding"];
    match binding.get("equality").and_then(|it| it.get("type")) {
        Some(equal) => format!("{name} = {}", ty(krate, equal)),
        None => format!("{name}: {}", bounds(krate, &binding["constraint"])),
    }
}

/// Bounds, in order.
pub(super) fn bounds(krate: &Krate, value: &Value) -> String {
    sorted(each_bound(krate, value), " + ")
}

fn each_bound(krate: &Krate, value: &Value) -> impl Iterator<Item = String> {
    array(value).filter_map(|bound| {
        if let Some(of_trait) = bound.get("trait_bound") {
            let maybe = if of_trait["modifier"] == "maybe" {
                "?"
            } else {
                ""
            };
            return Some(format!("{maybe}{}", path(krate, &of_trait["trait"])));
        }
        let lifetime = bound["outlives"].as_str();
        lifetime.filter(|it| *it == "'static").map(str::to_owned)
    })
}

/// Type parameters and their defaults, without bounds.
pub(super) fn parameters(krate: &Krate, generics: &Value) -> String {
    let shown = array(&generics["params"]).filter_map(|param| {
        let of_type = param["kind"].get("type")?;
        let default = match of_type["default"].is_null() {
            true => String::new(),
            false => format!(" = {}", ty(krate, &of_type["default"])),
        };
        (of_type["is_synthetic"] != true).then(|| format!("{}{default}", text(&param["name"])))
    });
    let shown: Vec<_> = shown.collect();
    match shown.is_empty() {
        true => String::new(),
        false => format!("<{}>", shown.join(", ")),
    }
}

/// What is demanded of type parameters, wherever it stands, one by one.
pub(super) fn demands(krate: &Krate, generics: &Value) -> BTreeSet<String> {
    let of_params = array(&generics["params"]).filter_map(|param| {
        let of_type = param["kind"].get("type")?;
        let named = (of_type["is_synthetic"] != true).then(|| text(&param["name"]).to_owned())?;
        Some((named, &of_type["bounds"]))
    });
    let of_where = array(&generics["where_predicates"]).filter_map(|predicate| {
        let bound = predicate.get("bound_predicate")?;
        Some((ty(krate, &bound["type"]), &bound["bounds"]))
    });
    of_params
        .chain(of_where)
        .flat_map(|(named, bounds)| {
            each_bound(krate, bounds).map(move |bound| format!("{named}: {bound}"))
        })
        .collect()
}

/// ` where …`, or nothing.
pub(super) fn clause(demands: &BTreeSet<String>) -> String {
    match demands.is_empty() {
        true => String::new(),
        false => format!(" where {}", sorted(demands.iter().cloned(), ", ")),
    }
}

/// A function from its parameters on; an `async fn` as one that returns a future.
pub(super) fn signature(krate: &Krate, function: &Value, outer: &BTreeSet<String>) -> String {
    let (signature, header) = (&function["sig"], &function["header"]);
    let inputs = list(&signature["inputs"], |input| match text(&input[0]) {
        "self" => ty(krate, &input[1]).replace("Self", "self"),
        _ => ty(krate, &input[1]),
    });
    let output = match signature["output"].is_null() {
        true => "()".to_owned(),
        false => ty(krate, &signature["output"]),
    };
    let output = match header["is_async"] == true {
        true => format!("impl Future<Output = {output}>"),
        false => output,
    };
    let generics = &function["generics"];
    let mut demands = demands(krate, generics);
    demands.extend(outer.iter().cloned());
    let marks = [("is_const", "const "), ("is_unsafe", "unsafe ")];
    let marks: String = marks
        .iter()
        .filter(|(mark, _)| header[*mark] == true)
        .map(|(_, text)| *text)
        .collect();
    let parameters = parameters(krate, generics);
    format!(
        "{marks}fn{parameters}({inputs}) -> {output}{}",
        clause(&demands)
    )
}

fn list(value: &Value, show: impl Fn(&Value) -> String) -> String {
    array(value).map(show).collect::<Vec<_>>().join(", ")
}

fn sorted(texts: impl Iterator<Item = String>, between: &str) -> String {
    let texts: BTreeSet<_> = texts.collect();
    texts.into_iter().collect::<Vec<_>>().join(between)
}

pub(super) fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
