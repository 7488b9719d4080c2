//! How the image reaches its readers: the latest one without waiting, or a wait for the next.

use std::sync::Arc;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::Revision;
use tokio::sync::watch;

use super::image::Image;

/// Reads the latest image; cheap to clone.
#[derive(Clone, Debug)]
pub struct ImageHandle {
    current: Arc<ArcSwap<Image>>,
    updates: watch::Receiver<Arc<Image>>,
}

/// The publishing end, held by the watcher (and by tests).
#[derive(Debug)]
pub struct ImagePublisher {
    current: Arc<ArcSwap<Image>>,
    updates: watch::Sender<Arc<Image>>,
}

/// The watcher has ended, which happens only when the broker shuts down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metadata watcher has stopped")]
pub struct WatcherStopped;

impl ImagePublisher {
    /// A publisher that starts with this image, and its first reader.
    #[must_use]
    pub fn new(image: Image) -> (Self, ImageHandle) {
        let image = Arc::new(image);
        let current = Arc::new(ArcSwap::new(Arc::clone(&image)));
        let (sender, receiver) = watch::channel(image);
        let handle = ImageHandle { current: Arc::clone(&current), updates: receiver };
        (Self { current, updates: sender }, handle)
    }

    /// Replaces the image for all readers.
    pub fn publish(&self, image: Image) {
        let image = Arc::new(image);
        self.current.store(Arc::clone(&image));
        self.updates.send_replace(image);
    }
}

impl ImageHandle {
    /// The latest image. Never waits.
    #[must_use]
    pub fn load(&self) -> Arc<Image> {
        self.current.load_full()
    }

    /// A receiver that sees each later image (or the latest of several).
    #[must_use]
    pub fn updates(&self) -> watch::Receiver<Arc<Image>> {
        self.updates.clone()
    }

    /// Waits for an image that contains `revision`; limit the wait from outside: while etcd is away
    /// none comes.
    ///
    /// # Errors
    /// When the watcher has ended.
    pub async fn wait_for(&self, revision: Revision) -> Result<Arc<Image>, WatcherStopped> {
        self.wait_until(|image| image.revision >= revision).await
    }

    /// Waits for an image for which `ready` holds; limit the wait from outside.
    ///
    /// # Errors
    /// When the watcher has ended.
    pub async fn wait_until(
        &self,
        mut ready: impl FnMut(&Image) -> bool,
    ) -> Result<Arc<Image>, WatcherStopped> {
        let mut updates = self.updates.clone();
        let image = updates.wait_for(|image| ready(image)).await.map_err(|_| WatcherStopped)?;
        Ok(Arc::clone(&image))
    }
}
