//! The load generators: `barnabas perf`, and librdkafka as kcat. They run as processes of their
//! own, so that what they cost is not counted as the broker's.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use barnabas_broker::env;
use serde_json::Value;

/// What a generator did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) seconds: f64,
    pub(crate) records: f64,
    /// Bytes of record values, or of batches where records were read.
    pub(crate) bytes: f64,
    /// Milliseconds: half of all, 99 % of all and 99.9 % of all records were faster.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
}

/// Records for the perf generator or kcat to produce.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) records: u64,
    pub(crate) record_bytes: usize,
    /// Bytes in a batch; 1 for one record in each request.
    pub(crate) batch_bytes: usize,
    pub(crate) linger_ms: u64,
    pub(crate) in_flight: usize,
    /// Records a second; none for as many as possible.
    pub(crate) rate: Option<u64>,
}

/// A `barnabas perf` that runs.
#[derive(Debug)]
pub(crate) struct Perf(Child);

impl Perf {
    /// Starts `barnabas perf WHAT --topic TOPIC ARGS`.
    pub(crate) fn start(
        program: &Path,
        bootstrap: &str,
        what: &str,
        topic: &str,
        args: &[String],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.args(["perf", what, "--output", "json", "--bootstrap-server", bootstrap]);
        command.arg("--topic").arg(topic).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        Ok(Self(command.spawn().context("starting barnabas perf")?))
    }

    /// Waits until it is done.
    pub(crate) fn finish(self) -> anyhow::Result<Outcome> {
        let output = self.0.wait_with_output()?;
        ensure!(output.status.success(), "barnabas perf ended with {}", output.status);
        let report: Value = serde_json::from_slice(&output.stdout).context("barnabas perf")?;
        let number = |at: &str| report.pointer(at).and_then(Value::as_f64).unwrap_or_default();
        Ok(Outcome {
            seconds: number("/seconds"),
            records: number("/records"),
            bytes: number("/bytes"),
            p50_ms: number("/latency_ms/p50"),
            p99_ms: number("/latency_ms/p99"),
            p999_ms: number("/latency_ms/p99.9"),
        })
    }
}

impl Load {
    /// As options of `barnabas perf produce`.
    pub(crate) fn perf_args(&self) -> Vec<String> {
        let mut args = vec!["--acks=1".to_owned()];
        let mut add = |name: &str, value: u64| args.push(format!("--{name}={value}"));
        add("num-records", self.records);
        add("record-size", self.record_bytes as u64);
        add("batch-size", self.batch_bytes as u64);
        add("linger-ms", self.linger_ms);
        add("max-in-flight", self.in_flight as u64);
        if let Some(rate) = self.rate {
            add("throughput", rate);
        }
        args
    }

    /// Produces with kcat, which reads lines of letters. Time is that of the process, its start
    /// included.
    pub(crate) fn kcat(&self, bootstrap: &str, topic: &str) -> anyhow::Result<Outcome> {
        let most = if self.batch_bytes == 1 {
            "-X batch.num.messages=1".to_owned()
        } else {
            format!("-X batch.size={} -X batch.num.messages=100000", self.batch_bytes)
        };
        let settings = format!(
            "{most} -X acks=1 -X linger.ms={} -X max.in.flight={}",
            self.linger_ms, self.in_flight
        );
        let records = self.records;
        // kcat's own value for acks would go over the setting.
        let script = format!(
            "yes {} | head -n {records} | kcat -P -b {bootstrap} -t {topic} {settings} -X topic.acks=1",
            "x".repeat(self.record_bytes)
        );
        let bytes = (records * self.record_bytes as u64) as f64;
        kcat(&script, records as f64, bytes)
    }
}

/// Reads a topic of one partition with kcat, from its beginning to its end.
pub(crate) fn kcat_read(
    bootstrap: &str,
    topic: &str,
    records: u64,
    bytes: f64,
) -> anyhow::Result<Outcome> {
    let script = format!(
        "kcat -C -b {bootstrap} -t {topic} -p 0 -o beginning -e -q -f '' -c {records} \
         -X fetch.message.max.bytes=10000000 -X check.crcs=false"
    );
    kcat(&script, records as f64, bytes)
}

fn kcat(script: &str, records: f64, bytes: f64) -> anyhow::Result<Outcome> {
    let begun = env::now();
    let status = Command::new("bash").args(["-c", script]).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "kcat ended with {status}");
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Outcome { seconds, records, bytes, ..Outcome::default() })
}
