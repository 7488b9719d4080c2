//! Reads: one key, or a prefix page by page at one revision.

use crate::{
    client::Client,
    endpoint::Lane,
    error::{Error, Rejection},
    kv::{KeyRange, KeyValue, Listing, Revision, key_after},
};
use bytes::Bytes;
use etcd_client::GetOptions;

/// The largest reply that is accepted. etcd limits requests to 1.5 MiB but not replies; pages that
/// are larger are asked for again with fewer keys.
pub(crate) const MAX_REPLY_BYTES: usize = 16 << 20;

/// How often a listing starts again because its revision was compacted under it.
const RESTARTS: usize = 3;

impl Client {
    /// Reads all keys that start with `prefix`, as they were at one revision, however many pages
    /// that takes.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where a page got no answer within `request_timeout`.
    pub async fn list(&self, prefix: impl AsRef<[u8]>) -> Result<Listing, Error> {
        self.list_range(&KeyRange::prefix(prefix.as_ref())).await
    }

    /// Reads all keys from `from` up to but without `to`, as [`list`](Self::list) does those with a
    /// prefix.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn list_between(
        &self,
        from: impl Into<Bytes>,
        to: impl Into<Bytes>,
    ) -> Result<Listing, Error> {
        self.list_range(&KeyRange { from: from.into(), to: to.into() }).await
    }

    /// Reads all keys of a range, as they were at one revision.
    pub(crate) async fn list_range(&self, range: &KeyRange) -> Result<Listing, Error> {
        for _ in 0..RESTARTS {
            match self.list_once(range).await {
                Err(Error::Rejected(Rejection::Compacted)) => {}
                result => return result,
            }
        }
        Err(Error::Unavailable("the listing was compacted away while it was read".into()))
    }

    async fn list_once(&self, range: &KeyRange) -> Result<Listing, Error> {
        let mut from = range.from.to_vec();
        let mut listing = Listing::default();
        let mut page_size = self.config().page_size;
        loop {
            let options = GetOptions::new()
                .with_range(range.to.to_vec())
                .with_revision(listing.revision.0)
                .with_limit(i64::try_from(page_size).unwrap_or(i64::MAX));
            let (revision, page) = match self.range(&from, options).await {
                Err(Error::Rejected(Rejection::TooLarge(_))) if page_size > 1 => {
                    page_size /= 2;
                    continue;
                }
                result => result?,
            };
            if listing.revision == Revision::default() {
                listing.revision = revision;
            }
            let Some(last) = page.last() else { return Ok(listing) };
            from = key_after(&last.key);
            let complete = page.len() < page_size;
            listing.entries.extend(page);
            if complete {
                return Ok(listing);
            }
        }
    }

    /// One range request, repeated until it is answered: the revision of the answer and the
    /// entries.
    pub(crate) async fn range(
        &self,
        key: &[u8],
        options: GetOptions,
    ) -> Result<(Revision, Vec<KeyValue>), Error> {
        let mut reply = self
            .idempotent(Lane::Calls, |etcd| {
                let (key, options) = (key.to_vec(), options.clone());
                async move {
                    let mut kv = etcd.kv_client().max_decoding_message_size(MAX_REPLY_BYTES);
                    kv.get(key, Some(options)).await
                }
            })
            .await?;
        let revision = Revision(reply.header().map_or(0, |header| header.revision()));
        self.history().observe(revision).map_err(Rejection::from)?;
        Ok((revision, reply.take_kvs().into_iter().map(KeyValue::from).collect()))
    }
}
