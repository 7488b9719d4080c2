//! One connection to one broker: negotiated versions, pipelined requests, answers in order.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::api_key::ApiKey;
use barnabas_protocol::kafka::codec::Request;
use barnabas_protocol::kafka::frame::{decode_response, request_segments, split_frame};
use barnabas_protocol::kafka::header::RequestHeader;
use barnabas_protocol::kafka::messages::ApiVersionsRequest;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Mutex, oneshot};

use super::ClientError;

/// The largest answer accepted.
const MAX_FRAME: usize = 1 << 30;

type Waiting = Arc<parking_lot::Mutex<Waiters>>;

/// Requests sent and not yet answered, oldest first; `None` once the connection is gone.
type Waiters = Option<VecDeque<oneshot::Sender<Bytes>>>;

/// A connection that many tasks may use at the same time.
#[derive(Debug)]
pub struct Connection {
    address: String,
    writer: Mutex<OwnedWriteHalf>,
    waiting: Waiting,
    versions: HashMap<i16, RangeInclusive<i16>>,
    next_id: AtomicI32,
    timeout: Duration,
}

impl Connection {
    /// Connects and asks which versions the broker has.
    pub async fn open(address: &str, timeout: Duration) -> Result<Self, ClientError> {
        let connecting = tokio::time::timeout(timeout, TcpStream::connect(address)).await;
        let stream = connecting
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|source| ClientError::Connect { address: address.to_owned(), source })?;
        let (reader, writer) = stream.into_split();
        let waiting: Waiting = Arc::new(parking_lot::Mutex::new(Some(VecDeque::new())));
        tokio::spawn(receive(reader, Arc::clone(&waiting)));
        let mut connection = Self {
            address: address.to_owned(),
            writer: Mutex::new(writer),
            waiting,
            versions: HashMap::from([(ApiKey::ApiVersions as i16, 0..=0)]),
            next_id: AtomicI32::new(0),
            timeout,
        };
        let served = connection.call(&ApiVersionsRequest::default()).await?;
        connection.versions = served
            .api_keys
            .iter()
            .map(|api| (api.api_key, api.min_version..=api.max_version))
            .collect();
        Ok(connection)
    }

    /// Sends a request and waits for its answer.
    pub async fn call<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        let (version, answer) = self.send(request).await?;
        self.answer::<R>(version, answer).await
    }

    /// Waits for the answer to a request that was sent.
    pub async fn answer<R: Request>(
        &self,
        version: i16,
        answer: oneshot::Receiver<Bytes>,
    ) -> Result<R::Response, ClientError> {
        let waited = tokio::time::timeout(self.timeout, answer).await;
        let api = R::API_KEY;
        let frame = waited
            .map_err(|_| ClientError::TimedOut { address: self.address.clone(), api })?
            .map_err(|_| self.broken(io::ErrorKind::UnexpectedEof.into()))?;
        decode_response::<R>(frame, version)
            .map(|(_, response)| response)
            .map_err(|source| ClientError::Decode { api, source })
    }

    /// Sends a request; the answer's frame comes later. Requests go out in the order of the calls.
    pub async fn send<R: Request>(
        &self,
        request: &R,
    ) -> Result<(i16, oneshot::Receiver<Bytes>), ClientError> {
        let (version, segments) = self.encode(request)?;
        let (answered, answer) = oneshot::channel();
        self.write(&segments, Some(answered)).await?;
        Ok((version, answer))
    }

    /// Sends a request that gets no answer: a produce request with acks=0.
    pub async fn send_one_way<R: Request>(&self, request: &R) -> Result<(), ClientError> {
        let (_, segments) = self.encode(request)?;
        self.write(&segments, None).await
    }

    fn encode<R: Request>(&self, request: &R) -> Result<(i16, Vec<Bytes>), ClientError> {
        let version = self.version::<R>()?;
        let header = RequestHeader {
            api_key: R::API_KEY as i16,
            api_version: version,
            correlation_id: self.next_id.fetch_add(1, Ordering::Relaxed),
            client_id: Some(Str::from_static("barnabas-cli")),
        };
        request_segments(&header, request)
            .map(|segments| (version, segments))
            .map_err(|source| ClientError::Encode { api: R::API_KEY, source })
    }

    /// Writes a frame; the answer, if there will be one, goes to `answered`.
    async fn write(
        &self,
        segments: &[Bytes],
        answered: Option<oneshot::Sender<Bytes>>,
    ) -> Result<(), ClientError> {
        let mut writer = self.writer.lock().await;
        match (self.waiting.lock().as_mut(), answered) {
            (Some(waiting), Some(answered)) => waiting.push_back(answered),
            (Some(_), None) => {}
            (None, _) => return Err(self.broken(io::ErrorKind::BrokenPipe.into())),
        }
        let mut slices: Vec<_> = segments.iter().map(|segment| IoSlice::new(segment)).collect();
        let mut rest = &mut slices[..];
        while !rest.is_empty() {
            match writer.write_vectored(rest).await {
                Ok(0) => return Err(self.broken(io::ErrorKind::WriteZero.into())),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(source) => return Err(self.broken(source)),
            }
        }
        Ok(())
    }

    /// The newest version that both sides know.
    pub fn version<R: Request>(&self) -> Result<i16, ClientError> {
        let ours = R::VERSIONS;
        let common = self.versions.get(&(R::API_KEY as i16)).and_then(|theirs| {
            let newest = *ours.end().min(theirs.end());
            (newest >= *ours.start().max(theirs.start())).then_some(newest)
        });
        common.ok_or_else(|| ClientError::Unsupported {
            address: self.address.clone(),
            api: R::API_KEY,
        })
    }

    /// False once an answer can no longer come.
    pub fn is_open(&self) -> bool {
        self.waiting.lock().is_some()
    }

    fn broken(&self, source: io::Error) -> ClientError {
        ClientError::Broken { address: self.address.clone(), source }
    }
}

/// Hands each answer to the oldest request that waits, until the connection ends.
async fn receive(mut reader: OwnedReadHalf, waiting: Waiting) {
    let mut buffer = BytesMut::with_capacity(64 * 1024);
    loop {
        while let Ok(Some(frame)) = split_frame(&mut buffer, MAX_FRAME) {
            let oldest = waiting.lock().as_mut().and_then(VecDeque::pop_front);
            if let Some(oldest) = oldest {
                // Whoever asked may have given up.
                let _ = oldest.send(frame);
            }
        }
        buffer.reserve(64 * 1024);
        if !matches!(reader.read_buf(&mut buffer).await, Ok(1..)) {
            break;
        }
    }
    // Dropping the senders tells everyone who waits.
    waiting.lock().take();
}
