//! One client connection: requests in, replies out in the same order.
//!
//! Produce requests are pipelined: the next is taken on while earlier ones wait for their acknowledgement.
//! Every other request is answered before the next one is looked at, as Kafka does it, so a client sees
//! its own changes. Everything of a connection happens in one task; what it waits for is bounded:
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

/// Requests of one connection that may wait for their answer at the same time.
const PIPELINE: usize = 256;
/// How long a connection with always something to do may keep one of the runtime's threads: its socket never makes
/// it wait, and neither do most requests. A request that takes longer is finished.
const TURN: Duration = Duration::from_millis(5);
/// How long requests before a frame that ends the connection may take to be answered.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// Why a connection ends; none of these concerns another connection.
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
    /// Whether a frame is the reason: what came before it can still be answered.
    const fn by_a_frame(&self) -> bool {
        match self {
            Self::Frame(FrameError::Io(_)) | Self::Malformed(Malformed::Response { .. }) => false,
            Self::Frame(_) | Self::Malformed(_) => true,
            Self::ByClient | Self::Shutdown | Self::Idle | Self::Io(_) => false,
        }
    }
}

/// A reply that is on its way.
#[derive(Debug)]
struct Pending {
    reply: Reply,
    /// A request that the next one must wait for.
    barrier: bool,
    /// The request's part of the memory budget, held until its reply is handed over, if it holds its frame so long.
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

/// What a future gives, and whether others had their turn meanwhile.
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
    /// The client sends no more; what it has sent is answered.
    half_closed: bool,
    idle: Duration,
    active: Instant,
    /// When others had their turn on this thread.
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

    /// Lets others have the thread now and then: timers, sockets and the session with etcd among them.
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

    /// Answers what came before the frame that ends the connection; nothing more is read.
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
            // Whatever else goes wrong, the connection has its reason to end.
            _ = timeout(LAST_ANSWERS, answers) => {}
            () = stop.cancelled() => {}
        }
    }

    /// Dispatches the frames that are complete, and has written what they append: all in one go, and also what
    /// came before a frame that ends the connection.
    fn take_frames(&mut self) -> Result<(), Closed> {
        let dispatched = self.dispatch_frames();
        self.context.write_queued();
        dispatched
    }

    /// As far as order and the pipeline allow.
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

    /// A client that does not take its replies gets no more of them made.
    fn may_dispatch(&self) -> bool {
        self.outbox.is_empty()
            && self.pending.len() < PIPELINE
            && !self.pending.back().is_some_and(|last| last.barrier)
    }

    /// Moves replies that are there to the outbox, without waiting for any.
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

    /// Waits until the client sends, takes, or a reply is there.
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
