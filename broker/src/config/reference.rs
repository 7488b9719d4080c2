//! Writes `docs/configuration.md` from the registry; a test holds the file to it.

use std::fmt::Write as _;

use super::keys::def::{Check, ConfigDef, Support, Update};
use super::keys::retired::{self, Retired};
use super::keys::{AREAS, Area, registry};

const INTRODUCTION: &str = "\
<!-- Written by `BARNABAS_WRITE_DOCS=1 cargo test --release -p barnabas-broker reference`; do not edit. -->
# Configuration

Keys have Kafka's names, types and defaults. They come, later ones winning, from the defaults, a
`server.properties` or TOML file, `KAFKA_*` environment variables (`.` is written `_`, `_` is `__` and `-` is
`___`: `KAFKA_LOG_RETENTION_MS`), and `--override key=value`. In TOML, `[log] retention.hours = 168` and
`\"log.retention.hours\" = 168` say the same. Unknown keys are errors, except in the environment. The variables that
Kubernetes sets for a Service, such as `KAFKA_PORT=tcp://10.0.0.1:9092` for one called `kafka`, are left alone.

No key is accepted and then ignored in silence. Each is honoured, or one of the keys
[without an effect](#keys-without-an-effect) (a warning at the start names the reason), or it takes only the values
[that can be honoured](#keys-with-fewer-values-than-in-kafka).

*Update* says how a key changes while the broker runs: *restart* not at all, *broker* for one broker at a time,
*cluster* for one broker or all together, *cluster only* for all together only.
";

/// The reference in Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for area in AREAS {
        honoured(&mut text, area);
    }
    limited(&mut text);
    inert(&mut text);
    retired_keys(&mut text);
    text
}

/// Writing to a `String` cannot fail.
macro_rules! line {
    ($text:expr, $($args:tt)*) => {{
        let _ = writeln!($text, $($args)*);
    }};
}

fn honoured(text: &mut String, area: &Area) {
    let keys: Vec<_> = area.keys.iter().filter(|def| effective(def)).collect();
    if keys.is_empty() {
        return;
    }
    line!(text, "\n## {}\n", area.title);
    line!(text, "| key | type | default | allowed | update | meaning |");
    line!(text, "|---|---|---|---|---|---|");
    for def in keys {
        line!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            def.name,
            def.kind.name().to_lowercase(),
            default(def),
            allowed(def.check),
            update(def.update),
            cell(def.doc),
        );
    }
}

/// Whether the key has an effect. A key whose only value is the default has none.
fn effective(def: &ConfigDef) -> bool {
    match def.support {
        Support::Honoured => true,
        Support::Inert(_) => false,
        Support::Only(values, _) => !values.is_empty(),
    }
}

fn limited(text: &mut String) {
    line!(text, "\n## Keys with fewer values than in Kafka\n");
    line!(text, "| key | honoured values | why no others |\n|---|---|---|");
    for def in registry::all() {
        let Support::Only(values, reason) = def.support else { continue };
        let mut values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
        if values.is_empty() {
            values.push(default(def));
        }
        line!(text, "| `{}` | {} | {reason} |", def.name, values.join(", "));
    }
}

fn inert(text: &mut String) {
    line!(text, "\n## Keys without an effect\n");
    line!(text, "Accepted, with a warning where the value is not the default.\n");
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for def in registry::all() {
        let Support::Inert(reason) = def.support else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(def.name),
            None => reasons.push((reason, vec![def.name])),
        }
    }
    line!(text, "| reason | keys |\n|---|---|");
    for (reason, names) in reasons {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        line!(text, "| {reason} | {} |", names.join(", "));
    }
}

fn retired_keys(text: &mut String) {
    line!(text, "\n## Keys of other versions\n");
    line!(text, "| key | what becomes of it | instead |\n|---|---|---|");
    for (name, retired) in retired::rows() {
        let (what, instead) = match retired {
            Retired::Ignored(reason) => ("ignored with a warning", reason),
            Retired::Refused(reason) => ("refused", reason),
        };
        line!(text, "| `{name}` | {what} | {instead} |");
    }
}

fn default(def: &ConfigDef) -> String {
    match def.default {
        None => "not set".to_owned(),
        Some("") => "empty".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

fn allowed(check: Check) -> String {
    match check {
        Check::Any => String::new(),
        Check::AtLeast(min) => format!("{min} and more"),
        Check::Between(min, max) => format!("{min} to {max}"),
        Check::Fraction(min, max) => format!("{min} to {max}"),
        Check::BetweenOrMinusOne(min, max) => format!("{min} to {max}, or -1"),
        Check::OneOf(words) | Check::OneOfAnyCase(words) => cell(&words.join(", ")),
        Check::NotEmpty => "not empty".to_owned(),
        Check::ThrottledReplicas => "`*` or partition:broker, ...".to_owned(),
        Check::IpLimits => "address:count, ...".to_owned(),
    }
}

fn update(update: Update) -> &'static str {
    match update {
        Update::ReadOnly => "restart",
        Update::PerBroker => "broker",
        Update::ClusterWide => "cluster",
        Update::ClusterOnly => "cluster only",
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
