//! The broker under attack.

use std::fs;
use std::time::Duration;

use barnabas_integration_tests::broker::{BrokerOptions, BrokerProcess};
use barnabas_integration_tests::wait;
use barnabas_protocol::kafka::codec::Request;
use barnabas_protocol::kafka::messages::create_topics::{CreatableTopic, CreatableTopicConfig};
use barnabas_protocol::kafka::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, TopicProduceData,
};
use barnabas_protocol::kafka::messages::{
    CreateTopicsRequest, DescribeGroupsRequest, ProduceRequest,
};
use barnabas_protocol::kafka::record_batch::{BatchBuilder, Compression};
use barnabas_protocol::kafka::{ErrorCode, Records, Str};
use bytes::Bytes;

use crate::raw::Raw;

pub(crate) const MIB: usize = 1 << 20;

const LIMIT: Duration = Duration::from_secs(30);

/// Lines that a broker may write for any number of bad clients: a few per ten seconds.
const MAX_LINES: usize = 60;

/// A broker, ours or another.
pub(crate) struct Target {
    process: Option<BrokerProcess>,
    bootstrap: String,
    /// What it had written before the attack.
    lines_before: usize,
}

impl Target {
    /// A broker with these settings, or the other one if that is to be asked.
    pub(crate) fn start(overrides: &[&str]) -> Self {
        if let Ok(bootstrap) = std::env::var("HOSTILE_BOOTSTRAP") {
            return Self { process: None, bootstrap, lines_before: 0 };
        }
        let overrides = overrides.iter().map(|&text| text.to_owned()).collect();
        Self::launch(BrokerOptions { overrides, ..BrokerOptions::default() })
    }

    /// A broker of ours.
    pub(crate) fn launch(options: BrokerOptions) -> Self {
        let mut process = BrokerProcess::start(options).expect("the broker starts");
        let (bootstrap, log) = (process.bootstrap(), process.process().log());
        Self { process: Some(process), bootstrap, lines_before: log.lines().count() }
    }

    /// Whether it is ours, started by this test.
    pub(crate) fn is_ours(&self) -> bool {
        self.process.is_some()
    }

    pub(crate) fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    pub(crate) fn connect(&self) -> Raw {
        Raw::connect(&self.bootstrap)
    }

    /// Sends one request on a connection of its own.
    #[track_caller]
    pub(crate) fn ask<R: Request>(&self, version: i16, request: &R) -> R::Response {
        self.connect().ask(version, request)
    }

    /// Makes sure that a topic with one partition is there.
    pub(crate) fn create_topic(&self, name: &str, configs: &[(&str, &str)]) {
        self.create(name, 1, configs);
    }

    /// Makes sure that a topic with so many partitions is there.
    pub(crate) fn create_partitions(&self, name: &str, partitions: i32) {
        self.create(name, partitions, &[]);
    }

    fn create(&self, name: &str, num_partitions: i32, configs: &[(&str, &str)]) {
        let configs = configs.iter().map(|&(name, value)| CreatableTopicConfig {
            name: name.into(),
            value: Some(value.into()),
        });
        let topic = CreatableTopic {
            name: name.into(),
            num_partitions,
            replication_factor: 1,
            assignments: Vec::new(),
            configs: configs.collect(),
        };
        let request = CreateTopicsRequest { topics: vec![topic], ..CreateTopicsRequest::default() };
        let created = self.ask(7, &request).topics;
        let code = created[0].error_code;
        assert!(matches!(code, ErrorCode::None | ErrorCode::TopicAlreadyExists), "{code:?}");
    }

    /// Waits until it has read the groups that it coordinates: of these many names, some are in
    /// every part of them.
    pub(crate) fn wait_for_groups(&self) {
        let groups = (0..1000).map(|name| name.to_string().into()).collect();
        let request = DescribeGroupsRequest { groups, ..DescribeGroupsRequest::default() };
        wait::until_true(LIMIT, "the groups", || {
            let described = self.ask(5, &request).groups;
            described.iter().all(|group| group.error_code == ErrorCode::None)
        });
    }

    /// Memory of the broker in bytes: a line of `/proc/PID/status`, as `VmRSS` or `VmHWM`. 0 for
    /// another broker.
    pub(crate) fn memory(&mut self, line: &str) -> usize {
        let Some(process) = &mut self.process else { return 0 };
        let path = format!("/proc/{}/status", process.process().id());
        let status = fs::read_to_string(path).expect("a running broker");
        let found = status.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(':'));
        let number = found.and_then(|rest| rest.split_whitespace().next()?.parse::<usize>().ok());
        number.expect("a number of kB") * 1024
    }

    /// Checks that a line of its memory has grown by less than `limit` bytes, and says by how much.
    #[track_caller]
    pub(crate) fn has_grown_less(&mut self, line: &str, before: usize, limit: usize, what: &str) {
        let grown = self.memory(line).saturating_sub(before);
        let said = format!("{} MiB of {} at most, {what}", grown / MIB, limit / MIB);
        println!("{said}");
        assert!(grown < limit, "{said}");
    }

    /// What it has written.
    pub(crate) fn log(&mut self) -> String {
        self.process.as_mut().map(|process| process.process().log()).unwrap_or_default()
    }

    /// Tells it to end, and waits until it has, in good order.
    #[track_caller]
    pub(crate) fn ends_when_told(self) {
        if let Some(mut process) = self.process {
            let status = process.process().terminate(LIMIT);
            assert!(status.success(), "{status}");
        }
    }

    /// Checks that it is well: still there, no panic, and no flood of lines.
    #[track_caller]
    pub(crate) fn is_well(&mut self) {
        let log = self.log();
        if let Some(process) = &mut self.process {
            assert!(process.process().ended().is_none(), "the broker has ended");
            assert!(process.serves(), "the broker does not serve");
        }
        assert!(!log.contains("panicked"), "a panic:\n{log}");
        let lines = log.lines().count().saturating_sub(self.lines_before);
        assert!(lines <= MAX_LINES, "{lines} lines in the log:\n{log}");
    }
}

/// A produce request with one batch for one partition.
pub(crate) fn produce(topic: &str, index: i32, acks: i16, batch: Bytes) -> ProduceRequest {
    let records = Some(Records::from(batch));
    let partition_data = vec![PartitionProduceData { index, records }];
    ProduceRequest {
        acks,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData { name: Str::from(topic), partition_data }],
        ..ProduceRequest::default()
    }
}

/// What became of the only partition of a produce request.
#[track_caller]
pub(crate) fn produced(client: &mut Raw, request: &ProduceRequest) -> PartitionProduceResponse {
    let mut response = client.ask(9, request);
    response.responses.remove(0).partition_responses.remove(0)
}

/// A batch of one record.
pub(crate) fn batch(value: &[u8]) -> Bytes {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(1_700_000_000_000, Some(b"key"), Some(value), &[]);
    builder.build().expect("a batch")
}
