//! How a record is printed: as Kafka's `DefaultMessageFormatter` does, by a pattern, or as JSON.

use std::io::{self, Write};

use anyhow::{Context, bail};
use barnabas_protocol::kafka::record_batch::{BatchHeader, Record, TimestampType};
use serde_json::json;

use super::deserializer::Deserializer;

/// Prints records.
#[derive(Debug)]
pub(super) enum Formatter {
    /// Kafka's properties.
    Properties(Box<Properties>),
    /// Nothing is printed, only counted.
    Nothing,
    /// A pattern with `%` placeholders.
    Pattern(String),
    /// One JSON object a line.
    Json,
}

/// Kafka's formatter properties.
#[derive(Debug)]
pub(super) struct Properties {
    timestamp: bool,
    partition: bool,
    offset: bool,
    headers: bool,
    key: bool,
    value: bool,
    key_separator: String,
    line_separator: String,
    headers_separator: String,
    null_literal: String,
    delivery: bool,
    epoch: bool,
    key_as: Deserializer,
    value_as: Deserializer,
}

impl Formatter {
    pub(super) fn new(
        properties: &[(String, String)],
        pattern: Option<&str>,
        json: bool,
    ) -> anyhow::Result<Self> {
        match pattern {
            Some(pattern) => Ok(Self::Pattern(pattern.replace("\\n", "\n").replace("\\t", "\t"))),
            None if json => Ok(Self::Json),
            None => Ok(Self::Properties(Box::new(Properties::new(properties)?))),
        }
    }

    pub(super) fn write(
        &self,
        out: &mut dyn Write,
        topic: &str,
        partition: i32,
        batch: &BatchHeader,
        record: &Record,
    ) -> anyhow::Result<()> {
        match self {
            Self::Properties(properties) => properties.write(out, partition, batch, record)?,
            Self::Pattern(pattern) => write_pattern(out, pattern, topic, partition, batch, record)?,
            Self::Json => writeln!(out, "{}", to_json(topic, partition, batch, record))?,
            Self::Nothing => {}
        }
        Ok(())
    }
}

impl Properties {
    fn new(given: &[(String, String)]) -> anyhow::Result<Self> {
        let mut properties = Self {
            timestamp: false,
            partition: false,
            offset: false,
            headers: false,
            key: false,
            value: true,
            key_separator: "\t".to_owned(),
            line_separator: "\n".to_owned(),
            headers_separator: ",".to_owned(),
            null_literal: "null".to_owned(),
            delivery: false,
            epoch: false,
            key_as: Deserializer::default(),
            value_as: Deserializer::default(),
        };
        for (key, value) in given {
            let flag = || value.trim().parse().with_context(|| format!("{key} is true or false"));
            let deserializer = || Deserializer::parse(value.trim()).map_err(anyhow::Error::msg);
            match key.as_str() {
                "print.timestamp" => properties.timestamp = flag()?,
                "print.partition" => properties.partition = flag()?,
                "print.offset" => properties.offset = flag()?,
                "print.headers" => properties.headers = flag()?,
                "print.key" => properties.key = flag()?,
                "print.value" => properties.value = flag()?,
                "print.delivery" => properties.delivery = flag()?,
                "print.epoch" => properties.epoch = flag()?,
                "key.deserializer" => properties.key_as = deserializer()?,
                "value.deserializer" => properties.value_as = deserializer()?,
                "key.separator" => properties.key_separator.clone_from(value),
                "line.separator" => properties.line_separator.clone_from(value),
                "headers.separator" => properties.headers_separator.clone_from(value),
                "null.literal" => properties.null_literal.clone_from(value),
                other => bail!("there is no formatter property {other}"),
            }
        }
        Ok(properties)
    }

    fn write(
        &self,
        out: &mut dyn Write,
        partition: i32,
        batch: &BatchHeader,
        record: &Record,
    ) -> anyhow::Result<()> {
        let mut fields: Vec<Vec<u8>> = Vec::new();
        if self.timestamp {
            fields.push(timestamp(batch, record).into_bytes());
        }
        if self.partition {
            fields.push(format!("Partition:{partition}").into_bytes());
        }
        if self.offset {
            fields.push(format!("Offset:{}", record.offset(batch)).into_bytes());
        }
        // Of share groups, and told to brokers' replicas only: Kafka's console consumer says the
        // same.
        if self.delivery {
            fields.push(b"Delivery:NOT_PRESENT".to_vec());
        }
        if self.epoch {
            fields.push(b"Epoch:NOT_PRESENT".to_vec());
        }
        if self.headers {
            fields.push(self.headers(record));
        }
        let null = || Ok(self.null_literal.as_bytes().to_vec());
        if self.key {
            fields.push(record.key.as_deref().map_or_else(null, |key| self.key_as.show(key))?);
        }
        if self.value {
            let value = record.value.as_deref();
            fields.push(value.map_or_else(null, |value| self.value_as.show(value))?);
        }
        out.write_all(&fields.join(self.key_separator.as_bytes()))?;
        Ok(out.write_all(self.line_separator.as_bytes())?)
    }

    fn headers(&self, record: &Record) -> Vec<u8> {
        if record.headers.is_empty() {
            return b"NO_HEADERS".to_vec();
        }
        let printed = record.headers.iter().map(|(key, value)| {
            let value = value.as_deref().unwrap_or(self.null_literal.as_bytes());
            [&key[..], b":", value].concat()
        });
        printed.collect::<Vec<_>>().join(self.headers_separator.as_bytes())
    }
}

fn timestamp(batch: &BatchHeader, record: &Record) -> String {
    match (record.timestamp(batch), batch.timestamp_type()) {
        (-1, _) => "NO_TIMESTAMP".to_owned(),
        (ms, TimestampType::CreateTime) => format!("CreateTime:{ms}"),
        (ms, TimestampType::LogAppendTime) => format!("LogAppendTime:{ms}"),
    }
}

fn write_pattern(
    out: &mut dyn Write,
    pattern: &str,
    topic: &str,
    partition: i32,
    batch: &BatchHeader,
    record: &Record,
) -> io::Result<()> {
    let mut parts = pattern.split('%');
    out.write_all(parts.next().unwrap_or_default().as_bytes())?;
    for part in parts {
        let mut rest = part.chars();
        match rest.next() {
            Some('t') => write!(out, "{topic}")?,
            Some('p') => write!(out, "{partition}")?,
            Some('o') => write!(out, "{}", record.offset(batch))?,
            Some('k') => out.write_all(record.key.as_deref().unwrap_or_default())?,
            Some('v' | 's') => out.write_all(record.value.as_deref().unwrap_or_default())?,
            Some('T') => write!(out, "{}", record.timestamp(batch))?,
            Some('h') => {
                let pairs = record.headers.iter().map(|(key, value)| {
                    [&key[..], b"=", value.as_deref().unwrap_or(b"NULL")].concat()
                });
                out.write_all(&pairs.collect::<Vec<_>>().join(&b","[..]))?;
            }
            Some(other) => write!(out, "%{other}")?,
            None => write!(out, "%")?,
        }
        out.write_all(rest.as_str().as_bytes())?;
    }
    Ok(())
}

/// Bytes that are not text are shown with replacement characters.
fn to_json(topic: &str, partition: i32, batch: &BatchHeader, record: &Record) -> serde_json::Value {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = record
        .headers
        .iter()
        .map(|(key, value)| json!({ "key": text(key), "value": value.as_deref().map(text) }));
    json!({
        "topic": topic,
        "partition": partition,
        "offset": record.offset(batch).0,
        "timestamp": record.timestamp(batch),
        "key": record.key.as_deref().map(text),
        "value": record.value.as_deref().map(text),
        "headers": headers.collect::<Vec<_>>(),
    })
}
