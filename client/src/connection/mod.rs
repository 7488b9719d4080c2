//! One connection to one broker: negotiated versions, pipelined requests, answers in order.
//!
//! ```text
//! send ──▶ queue ──▶ writer task ──▶ socket ──▶ reader task ──▶ Answer
//!                        └─ pushes who waits ──▶ in flight ─┘
//! ```
//! Only the writer task touches the socket's sending half: a caller may be dropped at any moment
//! without leaving half a frame behind. A request that is not answered in time closes the
//! connection, as those behind it would wait as long.

mod tasks;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::api_key::ApiKey;
use barnabas_protocol::kafka::codec::Request;
use barnabas_protocol::kafka::frame::{decode_response, request_segments};
use barnabas_protocol::kafka::header::RequestHeader;
use barnabas_protocol::kafka::messages::ApiVersionsRequest;
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use self::tasks::{InFlight, Outgoing, Receipt};
use crate::clock::now;
use crate::{Address, ClientError};

/// Requests that may be written and not yet answered; more wait to be sent.
const MAX_IN_FLIGHT: usize = 1024;
/// Requests that wait for the writer task.
const QUEUE: usize = 64;

/// A connection that many tasks may use at the same time.
#[derive(Debug)]
pub struct Connection {
    address: Address,
    client_id: Str,
    queue: mpsc::Sender<Outgoing>,
    in_flight: Arc<InFlight>,
    permits: Arc<Semaphore>,
    versions: HashMap<i16, RangeInclusive<i16>>,
    next_id: AtomicI32,
    timeout: Duration,
}

impl Connection {
    /// Connects and asks which versions the broker has.
    ///
    /// # Errors
    /// The broker cannot be reached within `timeout`, or is none.
    pub async fn open(
        address: &Address,
        client_id: Str,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let deadline = now() + timeout;
        let stream = connect(address, deadline).await?;
        let (reader, writer) = stream.into_split();
        let in_flight = Arc::new(InFlight::default());
        let (queue, outgoing) = mpsc::channel(QUEUE);
        tokio::spawn(tasks::write(writer, outgoing, Arc::clone(&in_flight)));
        tokio::spawn(tasks::read(reader, Arc::clone(&in_flight)));
        let mut connection = Self {
            address: address.clone(),
            client_id,
            queue,
            in_flight,
            permits: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            versions: HashMap::from([(ApiKey::ApiVersions as i16, 0..=0)]),
            next_id: AtomicI32::new(0),
            timeout,
        };
        let request = ApiVersionsRequest::default();
        let served = connection.send_until(&request, deadline).await?.wait().await?;
        let versions = served.api_keys.iter();
        connection.versions =
            versions.map(|api| (api.api_key, api.min_version..=api.max_version)).collect();
        Ok(connection)
    }

    /// Where the broker is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// It cannot be sent, or no answer comes in time.
    pub async fn call<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        self.send(request).await?.wait().await
    }

    /// Sends a request that the broker may take `patience` to answer, besides the time for any
    /// request.
    ///
    /// # Errors
    /// It cannot be sent, or no answer comes in time.
    pub async fn call_patiently<R: Request>(
        &self,
        request: &R,
        patience: Duration,
    ) -> Result<R::Response, ClientError> {
        let deadline = now() + self.timeout.saturating_add(patience);
        self.send_until(request, deadline).await?.wait().await
    }

    /// Sends a request; its answer comes later. Requests go out in the order of the calls.
    ///
    /// # Errors
    /// It cannot be sent.
    pub async fn send<R: Request>(&self, request: &R) -> Result<Answer<R>, ClientError> {
        self.send_until(request, now() + self.timeout).await
    }

    async fn send_until<R: Request>(
        &self,
        request: &R,
        deadline: Instant,
    ) -> Result<Answer<R>, ClientError> {
        let (id, version, segments) = self.encode(request)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| self.gone())?;
        let (answered, frame) = oneshot::channel();
        let receipt = Receipt::Answer { id, answered, _permit: permit };
        self.enqueue(Outgoing { segments, receipt }).await?;
        Ok(Answer {
            frame,
            version,
            deadline,
            address: self.address.clone(),
            in_flight: Arc::clone(&self.in_flight),
            request: PhantomData,
        })
    }

    /// Sends a request that gets no answer, a produce request with acks=0, and waits until it is
    /// written.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn send_one_way<R: Request>(&self, request: &R) -> Result<(), ClientError> {
        let (_, _, segments) = self.encode(request)?;
        let (written, done) = oneshot::channel();
        self.enqueue(Outgoing { segments, receipt: Receipt::Written(written) }).await?;
        done.await.map_err(|_| self.gone())
    }

    async fn enqueue(&self, outgoing: Outgoing) -> Result<(), ClientError> {
        self.queue.send(outgoing).await.map_err(|_| self.gone())
    }

    fn encode<R: Request>(&self, request: &R) -> Result<(i32, i16, Vec<Bytes>), ClientError> {
        let version = self.version::<R>()?;
        let correlation_id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let header = RequestHeader {
            api_key: R::API_KEY as i16,
            api_version: version,
            correlation_id,
            client_id: Some(self.client_id.clone()),
        };
        request_segments(&header, request)
            .map(|segments| (correlation_id, version, segments))
            .map_err(|source| ClientError::Encode { api: R::API_KEY, source })
    }

    /// The newest version that both sides know.
    ///
    /// # Errors
    /// There is none.
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
        self.in_flight.is_open()
    }

    fn gone(&self) -> ClientError {
        broken(&self.address, self.in_flight.reason())
    }
}

async fn connect(address: &Address, deadline: Instant) -> Result<TcpStream, ClientError> {
    let target = (address.host.as_str(), address.port);
    timeout_at(deadline, TcpStream::connect(target))
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
        .map_err(|source| ClientError::Connect { address: address.clone(), source })
}

fn broken(address: &Address, kind: io::ErrorKind) -> ClientError {
    ClientError::Broken { address: address.clone(), source: kind.into() }
}

/// The answer to come to a request that was sent.
#[derive(Debug)]
#[must_use]
pub struct Answer<R> {
    frame: oneshot::Receiver<Bytes>,
    version: i16,
    deadline: Instant,
    address: Address,
    in_flight: Arc<InFlight>,
    request: PhantomData<fn() -> R>,
}

impl<R: Request> Answer<R> {
    /// Waits for the answer. Its records share the memory of its frame.
    ///
    /// # Errors
    /// The connection breaks, the time for the request is over, or the answer cannot be read.
    pub async fn wait(self) -> Result<R::Response, ClientError> {
        let api = R::API_KEY;
        let frame = match timeout_at(self.deadline, self.frame).await {
            Ok(Ok(frame)) => frame,
            Ok(Err(_)) => return Err(broken(&self.address, self.in_flight.reason())),
            Err(_) => {
                self.in_flight.close(io::ErrorKind::TimedOut);
                return Err(ClientError::TimedOut { address: self.address, api });
            }
        };
        decode_response::<R>(frame, self.version)
            .map(|(_, response)| response)
            .map_err(|source| ClientError::Decode { api, source })
    }
}
