//! A blocking Kafka client with what the workloads need besides load: create and delete topics,
//! wait for a broker, hold a connection open.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use barnabas_protocol::kafka::codec::Request;
use barnabas_protocol::kafka::frame::{decode_response, request_segments};
use barnabas_protocol::kafka::header::RequestHeader;
use barnabas_protocol::kafka::messages::create_topics::{CreatableTopic, CreatableTopicConfig};
use barnabas_protocol::kafka::messages::delete_topics::DeleteTopicState;
use barnabas_protocol::kafka::messages::{
    ApiVersionsRequest, ApiVersionsResponse, CreateTopicsRequest, DeleteTopicsRequest,
    MetadataRequest,
};
use barnabas_protocol::kafka::{ErrorCode, Str};
use bytes::Bytes;

/// How long a broker may take for one answer.
const PATIENCE: Duration = Duration::from_secs(300);
/// The largest answer accepted, in bytes.
const MAX_ANSWER: usize = 256 << 20;

/// A topic to create.
#[derive(Clone, Debug)]
pub(crate) struct NewTopic {
    pub(crate) name: String,
    pub(crate) partitions: i32,
    /// Configuration, as `key=value`.
    pub(crate) configs: &'static [&'static str],
}

/// A connection to the only broker of a cluster.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    served: ApiVersionsResponse,
}

impl Client {
    /// Connects, and asks what the broker serves.
    pub(crate) fn connect(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client = Self { stream, served: ApiVersionsResponse::default() };
        client.served = client.call_version(&ApiVersionsRequest::default(), 0)?;
        Ok(client)
    }

    /// Sends a request in the newest version that both sides know, and waits for the answer.
    pub(crate) fn call<R: Request>(&mut self, request: &R) -> anyhow::Result<R::Response> {
        let version = self.version::<R>()?;
        self.call_version(request, version)
    }

    fn version<R: Request>(&self) -> anyhow::Result<i16> {
        let served = self.served.api_keys.iter().find(|api| api.api_key == R::API_KEY as i16);
        let newest = served.map_or(-1, |api| api.max_version.min(*R::VERSIONS.end()));
        ensure!(newest >= *R::VERSIONS.start(), "the broker does not serve {:?}", R::API_KEY);
        Ok(newest)
    }

    fn call_version<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> anyhow::Result<R::Response> {
        let header = RequestHeader {
            api_key: R::API_KEY as i16,
            api_version: version,
            correlation_id: 1,
            client_id: Some(Str::from_static("side-by-side")),
        };
        self.stream.write_all(&request_segments(&header, request)?.concat())?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length))?;
        ensure!(length <= MAX_ANSWER, "an answer of {length} bytes");
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame)?;
        Ok(decode_response::<R>(Bytes::from(frame), version)?.1)
    }

    /// Whether the broker knows itself and a controller, so that topics can be created.
    pub(crate) fn is_ready(&mut self) -> anyhow::Result<bool> {
        let request = MetadataRequest { topics: Some(Vec::new()), ..MetadataRequest::default() };
        let answer = self.call(&request)?;
        Ok(!answer.brokers.is_empty() && answer.controller_id >= 0)
    }

    /// Creates topics in one request.
    pub(crate) fn create(&mut self, topics: &[NewTopic]) -> anyhow::Result<()> {
        let config = |pair: &&'static str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = Some(Str::from_static(value));
            CreatableTopicConfig { name: Str::from_static(name), value }
        };
        let creatable = |topic: &NewTopic| CreatableTopic {
            name: Str::from(topic.name.as_str()),
            num_partitions: topic.partitions,
            replication_factor: 1,
            configs: topic.configs.iter().map(config).collect(),
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: topics.iter().map(creatable).collect(),
            timeout_ms: PATIENCE.as_millis() as i32,
            ..CreateTopicsRequest::default()
        };
        for result in self.call(&request)?.topics {
            if result.error_code != ErrorCode::None {
                bail!("{:?}: {:?} {:?}", result.name, result.error_code, result.error_message);
            }
        }
        Ok(())
    }

    /// Deletes a topic.
    pub(crate) fn delete(&mut self, topic: &str) -> anyhow::Result<()> {
        let newer = self.version::<DeleteTopicsRequest>()? >= 6;
        let name = Str::from(topic);
        let state = DeleteTopicState { name: Some(name.clone()), ..DeleteTopicState::default() };
        let request = DeleteTopicsRequest {
            topics: if newer { vec![state] } else { Vec::new() },
            topic_names: if newer { Vec::new() } else { vec![name] },
            timeout_ms: PATIENCE.as_millis() as i32,
        };
        let answer = self.call(&request)?;
        let result = answer.responses.first().context("no result")?;
        ensure!(result.error_code == ErrorCode::None, "deleting {topic}: {:?}", result.error_code);
        Ok(())
    }
}
