//! etcd's `Watch`: one task per stream, which follows the published history.

use std::time::Duration;

use etcd_client::proto::{PbWatchRequest, PbWatchRequestUnion, PbWatchResponse, PbWatchService};
use tokio::{sync::mpsc, time};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{Responses, STREAM_SLOTS, Service};
use crate::embedded::{
    key_range::KeyRange,
    watch::{WatchSpec, Watches},
};

/// How often watches that asked for it are told their progress; etcd's.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(600);

/// The client is gone.
struct Gone;

#[async_trait]
impl PbWatchService for Service {
    type WatchStream = Responses<PbWatchResponse>;

    async fn watch(
        &self,
        request: Request<Streaming<PbWatchRequest>>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (responses, stream) = mpsc::channel(STREAM_SLOTS);
        let watching =
            WatchStream { service: self.clone(), watches: Watches::default(), responses };
        let (stop, requests) = (self.stop.clone(), request.into_inner());
        tokio::spawn(async move {
            // Dropping the sender ends the client's stream.
            let _ = stop.run_until_cancelled(watching.run(requests)).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

struct WatchStream {
    service: Service,
    watches: Watches,
    responses: mpsc::Sender<Result<PbWatchResponse, Status>>,
}

impl WatchStream {
    /// Serves until the client ends its side or goes away.
    async fn run(mut self, mut requests: Streaming<PbWatchRequest>) -> Result<(), Gone> {
        let mut revisions = self.service.handle.revisions();
        let mut progress = time::interval(PROGRESS_INTERVAL);
        progress.reset();
        loop {
            tokio::select! {
                request = requests.message() => match request {
                    Ok(Some(request)) => self.handle(request).await?,
                    Ok(None) | Err(_) => return Ok(()),
                },
                changed = revisions.changed() => {
                    changed.map_err(|_| Gone)?;
                    self.catch_up().await?;
                }
                _ = progress.tick(), if self.watches.want_progress() => {
                    self.catch_up().await?;
                    let history = self.service.handle.history();
                    let told = self.watches.notify_progress(&history.read());
                    for response in told {
                        self.send(response).await?;
                    }
                }
                () = self.responses.closed() => return Ok(()),
            }
        }
    }

    async fn handle(&mut self, request: PbWatchRequest) -> Result<(), Gone> {
        let history = self.service.handle.history();
        match request.request_union {
            Some(PbWatchRequestUnion::CreateRequest(create)) => {
                // An empty key stands for the smallest one.
                let key = if create.key.is_empty() { vec![0] } else { create.key };
                let spec = WatchSpec {
                    id: create.watch_id,
                    range: KeyRange::new(key, create.range_end),
                    start_revision: create.start_revision,
                    filters: create.filters,
                    prev_kv: create.prev_kv,
                    progress_notify: create.progress_notify,
                };
                let created = self.watches.create(spec, &history.read());
                self.send(created).await?;
                self.catch_up().await
            }
            Some(PbWatchRequestUnion::CancelRequest(cancel)) => {
                let canceled = self.watches.cancel(cancel.watch_id, &history.read());
                match canceled {
                    Some(response) => self.send(response).await,
                    None => Ok(()),
                }
            }
            Some(PbWatchRequestUnion::ProgressRequest(_)) => self.report_progress().await,
            None => Ok(()),
        }
    }

    /// Tells every watch all that the history holds.
    async fn catch_up(&mut self) -> Result<(), Gone> {
        loop {
            let next = self.watches.poll(&self.service.handle.history().read());
            match next {
                Some(response) => self.send(response).await?,
                None => return Ok(()),
            }
        }
    }

    /// Catches up and says how far, looking at one state of the history for both.
    async fn report_progress(&mut self) -> Result<(), Gone> {
        loop {
            let (response, done) = {
                let history = self.service.handle.history().read();
                let next = self.watches.poll(&history);
                let done = next.is_none();
                (next.unwrap_or_else(|| Watches::progress(&history)), done)
            };
            self.send(response).await?;
            if done {
                return Ok(());
            }
        }
    }

    async fn send(&self, mut response: PbWatchResponse) -> Result<(), Gone> {
        self.service.sign(&mut response.header);
        self.responses.send(Ok(response)).await.map_err(|_| Gone)
    }
}
