//! Prints what was measured.

use std::io;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::output::{self, Format};

/// What Kafka's tools call MB.
const MB: f64 = 1024.0 * 1024.0;

/// Latencies in microseconds.
pub(super) type Latencies = Histogram<u64>;

/// Longer latencies count as this one.
const LONGEST: Duration = Duration::from_secs(600);

/// An empty histogram, three digits precise.
pub(super) fn latencies() -> Latencies {
    let longest = LONGEST.as_micros() as u64;
    Histogram::new_with_max(longest, 3).expect("a maximum above 1 and three digits are allowed")
}

/// Adds a latency for a number of records.
pub(super) fn count(latencies: &mut Latencies, latency: Duration, records: u64) {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    latencies.saturating_record_n(micros.max(1), records);
}

#[derive(Debug)]
pub(super) struct Report {
    /// `sent` or `read`.
    pub(super) verb: &'static str,
    pub(super) records: u64,
    /// Bytes of record values if they are known, otherwise of batches.
    pub(super) bytes: u64,
    pub(super) elapsed: Duration,
    pub(super) latencies: Latencies,
}

impl Report {
    pub(super) fn print(&self, output: Format) -> io::Result<()> {
        match output {
            Format::Table => output::line(self.line()),
            Format::Json => output::json(&self.json()),
        }
    }

    fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64().max(1e-6)
    }

    fn ms(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// The summary of Kafka's tool, with fractions of milliseconds.
    fn line(&self) -> String {
        format!(
            "{} records {}, {:.1} records/sec ({:.2} MB/sec), {:.2} ms avg latency, {:.2} ms max latency, \
             {:.2} ms 50th, {:.2} ms 95th, {:.2} ms 99th, {:.2} ms 99.9th.",
            self.records,
            self.verb,
            self.records as f64 / self.seconds(),
            self.bytes as f64 / MB / self.seconds(),
            self.latencies.mean() / 1000.0,
            self.latencies.max() as f64 / 1000.0,
            self.ms(0.5),
            self.ms(0.95),
            self.ms(0.99),
            self.ms(0.999),
        )
    }

    fn json(&self) -> Value {
        json!({
            "records": self.records,
            "bytes": self.bytes,
            "seconds": self.seconds(),
            "records_per_second": self.records as f64 / self.seconds(),
            "mb_per_second": self.bytes as f64 / MB / self.seconds(),
            "latency_ms": {
                "avg": self.latencies.mean() / 1000.0,
                "p50": self.ms(0.5),
                "p95": self.ms(0.95),
                "p99": self.ms(0.99),
                "p99.9": self.ms(0.999),
                "max": self.latencies.max() as f64 / 1000.0,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut latencies = latencies();
        count(&mut latencies, Duration::from_millis(1), 98);
        count(&mut latencies, Duration::from_millis(8), 2);
        let (records, bytes) = (100, 2 * 1024 * 1024);
        Report { verb: "sent", records, bytes, elapsed: Duration::from_secs(2), latencies }
    }

    #[test]
    fn line_is_as_kafkas() {
        assert_eq!(
            report().line(),
            "100 records sent, 50.0 records/sec (1.00 MB/sec), 1.14 ms avg latency, 8.00 ms max latency, \
             1.00 ms 50th, 1.00 ms 95th, 8.00 ms 99th, 8.00 ms 99.9th."
        );
    }

    #[test]
    fn json_has_the_same_numbers() {
        let json = report().json();
        assert_eq!(json["records_per_second"], 50.0);
        assert_eq!(json["mb_per_second"], 1.0);
        assert_eq!(json["latency_ms"]["p50"].as_f64().map(f64::round), Some(1.0));
    }
}
