//! What was measured, as a table and as JSON, and beside an earlier run.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::peers::Side;

/// The numbers of one run of a workload against one broker. Names carry the unit and stay in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<(&'static str, f64)>);

impl Sample {
    pub(crate) fn put(&mut self, name: &'static str, value: f64) {
        self.0.push((name, value));
    }

    /// Adds the numbers of another one.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// In one line, for progress.
    pub(crate) fn line(&self) -> String {
        let numbers = self.0.iter().map(|(name, value)| format!("{} {name}", short(*value)));
        numbers.collect::<Vec<_>>().join(", ")
    }
}

/// All runs of one workload.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) workload: &'static str,
    pub(crate) about: &'static str,
    pub(crate) samples: Vec<(Side, Sample)>,
}

impl Measured {
    /// The names of what was measured, in order.
    fn names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for (name, _) in self.samples.iter().flat_map(|(_, sample)| &sample.0) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names
    }

    fn median(&self, side: Side, name: &str) -> Option<f64> {
        let of_side = self.samples.iter().filter(|(of, _)| *of == side);
        let mut values: Vec<f64> = of_side.filter_map(|(_, sample)| sample.get(name)).collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (values.len().checked_sub(1)? / 2, values.len() / 2);
        Some((values[low] + values[high]) / 2.0)
    }

    /// Barnabas's number by Kafka's.
    fn ratio(&self, name: &str) -> Option<f64> {
        let (ours, theirs) = (self.median(Side::Barnabas, name)?, self.median(Side::Kafka, name)?);
        (theirs != 0.0).then(|| ours / theirs)
    }

    fn json(&self) -> Value {
        let mut summary = Map::new();
        for name in self.names() {
            let of = |side| self.median(side, name);
            let numbers = json!({
                "barnabas": of(Side::Barnabas), "kafka": of(Side::Kafka), "ratio": self.ratio(name),
            });
            summary.insert(name.to_owned(), numbers);
        }
        let sample = |(side, sample): &(Side, Sample)| {
            let numbers: Map<_, _> =
                sample.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({ "side": side.name(), "numbers": numbers })
        };
        let samples: Vec<Value> = self.samples.iter().map(sample).collect();
        json!({ "about": self.about, "summary": summary, "samples": samples })
    }
}

/// A table of medians in Markdown.
pub(crate) fn table(all: &[Measured]) -> String {
    let mut text = String::from("| workload | measure | Barnabas | Kafka | Barnabas / Kafka |\n");
    text += "|---|---|---|---|---|\n";
    for measured in all {
        for name in measured.names() {
            let cell = |value: Option<f64>| value.map_or_else(String::new, short);
            let _ = writeln!(
                text,
                "| {} | {name} | {} | {} | {} |",
                measured.workload,
                cell(measured.median(Side::Barnabas, name)),
                cell(measured.median(Side::Kafka, name)),
                measured.ratio(name).map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            );
        }
    }
    text
}

/// Everything, for programs and for a later comparison. `run` says when, where and how.
pub(crate) fn json(run: &Value, all: &[Measured]) -> Value {
    let workloads: Map<_, _> =
        all.iter().map(|measured| (measured.workload.to_owned(), measured.json())).collect();
    json!({ "run": run, "workloads": workloads })
}

/// What changed since an earlier run, as a table in Markdown: Barnabas's own numbers, and the
/// ratios to Kafka, which depend less on the state of the machine.
pub(crate) fn comparison(earlier: &Path, all: &[Measured]) -> anyhow::Result<String> {
    let text = fs::read_to_string(earlier).with_context(|| earlier.display().to_string())?;
    let earlier: Value = serde_json::from_str(&text).context("not a report of this program")?;
    let mut text = String::from(
        "| workload | measure | Barnabas then | now | change | ratio to Kafka then | now |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for measured in all {
        for name in measured.names() {
            let before = &earlier["workloads"][measured.workload]["summary"][name];
            let (then, now) = (before["barnabas"].as_f64(), measured.median(Side::Barnabas, name));
            let (Some(then), Some(now)) = (then, now) else { continue };
            let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |r| format!("{r:.2}"));
            let _ = writeln!(
                text,
                "| {} | {name} | {} | {} | {:+.0} % | {} | {} |",
                measured.workload,
                short(then),
                short(now),
                (now / then - 1.0) * 100.0,
                ratio(before["ratio"].as_f64()),
                ratio(measured.ratio(name)),
            );
        }
    }
    Ok(text)
}

/// Three digits that matter.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Measured {
        let sample = |value| {
            let mut sample = Sample::default();
            sample.put("MB/s", value);
            sample
        };
        let samples = [(Side::Barnabas, 30.0), (Side::Kafka, 10.0), (Side::Barnabas, 10.0)];
        let samples = samples.map(|(side, value)| (side, sample(value))).to_vec();
        Measured { workload: "w", about: "", samples }
    }

    #[test]
    fn the_table_has_medians_and_ratios() {
        let table = table(&[measured()]);
        assert_eq!(table.lines().last(), Some("| w | MB/s | 20.0 | 10.0 | 2.00 |"));
    }

    #[test]
    fn a_run_compares_with_its_own_report() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), json(&Value::Null, &[measured()]).to_string()).unwrap();
        let changes = comparison(file.path(), &[measured()]).unwrap();
        assert!(changes.ends_with("| w | MB/s | 20.0 | 20.0 | +0 % | 2.00 | 2.00 |\n"));
    }
}
