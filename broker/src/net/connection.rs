//! One client connection: requests in, replies out in the same order.
//!
//! Produce requests are pipelined: the next one is dispatched while earlier ones wait for their
//! acknowledgement. Every other request is answered before the next one is dispatched, as in Kafka,
//! so a client sees its own changes. One task runs everything of a connection; its queue is
//! bounded:
//!
//! ```text
//!  socket ──FrameReader──▶ dispatch ──▶ pending (≤ PIPELINE, in order) ──▶ Outbox ──▶ socket
//! ```

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::budget::Share;
use super::frames::{FrameError, FrameReader};
use super::transport::Transport;
use super::write::Outbox;
use crate::api::context::{ConnectionContext, UNPAID_BYTES};
use crate::api::dispatch::dispatch;
use crate::api::reply::{Dispatched, Malformed, ReplyFuture};
use crate::env;

/// Requests of one connection that may be in flight at the same time.
const PIPELINE: usize = 256;
/// How long a busy connection may occupy a runtime thread before it yields. Its socket is always
/// ready and most requests never wait, so it would not yield by itself. A request that takes longer
/// is finished first.
const TURN: Duration = Duration::from_millis(5);
/// How long to wait for the replies to earlier requests when a bad frame ends the connection.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Why a connection ends. Other connections are never affected.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    /// The client closed it.
    #[error("closed by the client")]
    ByClient,
    /// The broker is shutting down.
    #[error("the broker is shutting down")]
    Shutdown,
    /// Nothing was sent or read for `connections.max.idle.ms`.
    #[error("idle for longer than connections.max.idle.ms")]
    Idle,
    /// A frame that cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A request that cannot be understood.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Closed {
    /// Whether a bad frame is the reason: requests before it can still be answered.
    const fn by_a_frame(&self) -> bool {
        match self {
            Self::Frame(FrameError::Io(_)) | Self::Malformed(Malformed::Response { .. }) => false,
            Self::Frame(_) | Self::Malformed(_) => true,
            Self::ByClient | Self::Shutdown | Self::Idle | Self::Io(_) => false,
        }
    }
}

/// A request that has not been answered yet.
#[derive(Debug)]
struct Pending {
    reply: Reply,
    /// The next request must wait for this one.
    barrier: bool,
    /// The request's share of the memory budget, held until the reply is in the outbox if the
    /// request needs its frame until then.
    _share: Share,
}

enum Reply {
    Ready(Vec<Bytes>),
    Waiting(ReplyFuture),
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ready(_) => "Ready",
            Self::Waiting(_) => "Waiting",
        })
    }
}

/// Serves a connection until it ends.
pub async fn serve(
    transport: Transport,
    reader: FrameReader,
    context: ConnectionContext,
    idle: Duration,
    stop: CancellationToken,
) -> Closed {
    let mut connection = Connection {
        transport,
        reader,
        context,
        pending: VecDeque::new(),
        outbox: Outbox::default(),
        half_closed: false,
        idle,
        active: env::now(),
        gave_way: env::now(),
    };
    let Err(closed) = connection.run(&stop).await;
    if closed.by_a_frame() {
        connection.answer_earlier(&stop).await;
    }
    closed
}

/// Awaits a future; returns also whether it yielded to other tasks.
async fn with_pauses<F: Future>(future: F) -> (F::Output, bool) {
    let (mut future, mut paused) = (pin!(future), false);
    let output = poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        paused |= polled.is_pending();
        polled
    });
    (output.await, paused)
}

struct Connection {
    transport: Transport,
    reader: FrameReader,
    context: ConnectionContext,
    pending: VecDeque<Pending>,
    outbox: Outbox,
    /// The client has closed its sending side; requests already received are still answered.
    half_closed: bool,
    idle: Duration,
    active: Instant,
    /// When this task last yielded.
    gave_way: Instant,
}

impl Connection {
    async fn run(&mut self, stop: &CancellationToken) -> Result<Infallible, Closed> {
        let mut timer = Box::pin(sleep_until((self.active + self.idle).into()));
        loop {
            self.take_frames()?;
            self.collect_replies().await?;
            let (waited, paused) = with_pauses(self.wait(stop, timer.as_mut())).await;
            waited?;
            if paused {
                self.gave_way = self.active;
            }
            self.give_way(stop).await?;
        }
    }

    /// Yields now and then, so that timers, other sockets and the etcd session get to run.
    async fn give_way(&mut self, stop: &CancellationToken) -> Result<(), Closed> {
        if self.active.duration_since(self.gave_way) < TURN {
            return Ok(());
        }
        if stop.is_cancelled() {
            return Err(Closed::Shutdown);
        }
        yield_now().await;
        self.gave_way = env::now();
        Ok(())
    }

    /// Answers the requests before the frame that ends the connection. Nothing more is read.
    async fn answer_earlier(&mut self, stop: &CancellationToken) {
        self.reader.give_up();
        let answers = async {
            while !(self.pending.is_empty() && self.outbox.is_empty()) {
                if !self.outbox.is_empty() {
                    self.outbox.write_some(&self.transport).await?;
                } else if let Some(reply) = poll_fn(|context| self.poll_front(context)).await {
                    self.outbox.push(reply?);
                }
            }
            Ok::<_, Closed>(())
        };
        tokio::select! {
            // Further errors do not matter: the connection ends anyway.
            _ = timeout(LAST_ANSWERS, answers) => {}
            () = stop.cancelled() => {}
        }
    }

    /// Dispatches the complete frames and then flushes their appends to the log together, also
    /// those before a frame that ends the connection.
    fn take_frames(&mut self) -> Result<(), Closed> {
        let dispatched = self.dispatch_frames();
        self.context.write_queued();
        dispatched
    }

    /// Stops where the order of replies or the pipeline's limit requires it.
    fn dispatch_frames(&mut self) -> Result<(), Closed> {
        while self.may_dispatch() {
            let Some((frame, share)) = self.reader.next_frame()? else { break };
            self.active = env::now();
            let unpaid = frame.len() <= UNPAID_BYTES;
            let (reply, barrier, share) = match dispatch(&self.context, frame)? {
                Dispatched::Reply(segments) => (Reply::Ready(segments), false, share),
                Dispatched::Pipelined(future) => (Reply::Waiting(future), false, share),
                Dispatched::Alone(future) if !unpaid => (Reply::Waiting(future), true, share),
                Dispatched::Alone(future) | Dispatched::Parked(future) => {
                    (Reply::Waiting(future), true, Share::default())
                }
            };
            self.pending.push_back(Pending { reply, barrier, _share: share });
        }
        Ok(())
    }

    /// No new requests are dispatched while the client is not reading its replies.
    fn may_dispatch(&self) -> bool {
        self.outbox.is_empty()
            && self.pending.len() < PIPELINE
            && !self.pending.back().is_some_and(|last| last.barrier)
    }

    /// Moves finished replies to the outbox without waiting.
    async fn collect_replies(&mut self) -> Result<(), Closed> {
        poll_fn(|context| {
            while let Poll::Ready(Some(ready)) = self.poll_front(context) {
                self.outbox.push(ready?);
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    fn poll_front(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Vec<Bytes>, Closed>>> {
        let Some(front) = self.pending.front_mut() else { return Poll::Ready(None) };
        let segments = match &mut front.reply {
            Reply::Ready(segments) => std::mem::take(segments),
            Reply::Waiting(future) => match future.as_mut().poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(segments)) => segments,
                Poll::Ready(Err(malformed)) => return Poll::Ready(Some(Err(malformed.into()))),
            },
        };
        self.pending.pop_front();
        Poll::Ready(Some(Ok(segments)))
    }

    /// Waits until bytes arrive, the socket takes bytes, or a reply is finished.
    async fn wait(
        &mut self,
        stop: &CancellationToken,
        mut timer: Pin<&mut Sleep>,
    ) -> Result<(), Closed> {
        if self.outbox.is_empty() && self.pending.is_empty() && !self.reader.mid_frame() {
            self.reader.release_idle_buffer();
        }
        let sending = !self.outbox.is_empty();
        let has_frame = self.reader.has_frame();
        if self.half_closed && !sending && self.pending.is_empty() && !has_frame {
            return Err(Closed::ByClient);
        }
        let ahead = !self.may_dispatch();
        let may_read = if self.half_closed {
            has_frame && !ahead
        } else {
            !ahead || self.reader.may_read_ahead()
        };
        let front = poll_fn(|context| match self.pending.front_mut() {
            Some(Pending { reply: Reply::Waiting(future), .. }) => future.as_mut().poll(context),
            _ => Poll::Pending,
        });
        tokio::select! {
            biased;
            sent = self.outbox.write_some(&self.transport), if sending => sent?,
            reply = front, if !sending => {
                self.pending.pop_front();
                self.outbox.push(reply?);
            }
            read = self.reader.fill(&self.transport, ahead), if may_read && !sending => {
                self.half_closed = !read?;
            }
            () = timer.as_mut() => {
                let deadline = self.active + self.idle;
                if env::now() >= deadline && (sending || self.pending.is_empty()) {
                    return Err(Closed::Idle);
                }
                let next = deadline.max(env::now() + Duration::from_secs(1));
                timer.as_mut().reset(next.into());
                return Ok(());
            }
            () = stop.cancelled() => return Err(Closed::Shutdown),
        }
        self.active = env::now();
        Ok(())
    }
}
