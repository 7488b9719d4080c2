//! Reads: from the tail cache where the reader keeps up, else from RocksDB's mapped files, without
//! a copy.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::Offset;
use bytes::Bytes;

use super::ReadError;
use super::db::{Cursor, Db, Family};
use super::format::batch_span::BatchSpan;
use super::format::keys::BatchKey;
use super::index::table::Log;
use super::shared::StoreShared;

/// Whole batches from the one that holds `from`, up to but excluding `limit`: at least one if there
/// is one, else no more than `max_bytes`.
pub(super) fn read(
    shared: &StoreShared,
    log: &Log,
    from: Offset,
    limit: Offset,
    max_bytes: usize,
) -> Result<Vec<Bytes>, ReadError> {
    let pin = shared.pins.hold(shared.generation.load(Ordering::Acquire));
    let mut taken = 0;
    let cursor = walk(&shared.db, log, from..limit, true, |cursor, _, len| {
        if taken > 0 && taken + len > max_bytes {
            return Ok(ControlFlow::Break(()));
        }
        taken += len;
        cursor.keep().map_err(|message| ReadError::database(message, from))?;
        Ok(if taken >= max_bytes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    // The log may have been truncated meanwhile.
    if taken == 0 && from < log.start() {
        return Err(out_of_range(log));
    }
    Ok(match (cursor, pin) {
        (Some(cursor), Some(pin)) => cursor.into_kept(pin),
        (Some(cursor), None) => cursor.into_copies(),
        (None, _) => Vec::new(),
    })
}

/// Calls `visit` with the header of each batch from the one that holds `from`, up to but excluding
/// `limit`.
pub(super) fn headers(
    db: &Arc<Db>,
    log: &Log,
    from: Offset,
    limit: Offset,
    visit: &mut dyn FnMut(&BatchHeader) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    walk(db, log, from..limit, false, |_, header, _| Ok(visit(header))).map(|_| ())
}

/// Fails where `from` lies outside of the log.
pub(super) fn check_range(log: &Log, from: Offset) -> Result<(), ReadError> {
    if from < log.start() || from > log.end() { Err(out_of_range(log)) } else { Ok(()) }
}

fn out_of_range(log: &Log) -> ReadError {
    ReadError::OffsetOutOfRange { start: log.start(), end: log.end() }
}

/// Takes a cursor over a log's batches, chunk by chunk. `visit` gets the cursor, the header and the
/// size.
fn walk(
    db: &Arc<Db>,
    log: &Log,
    range: std::ops::Range<Offset>,
    pins: bool,
    mut visit: impl FnMut(&mut Cursor, &BatchHeader, usize) -> Result<ControlFlow<()>, ReadError>,
) -> Result<Option<Cursor>, ReadError> {
    let last_generation = log.state().chunks.back().map(|chunk| chunk.generation);
    let Some(last_generation) = last_generation else { return Ok(None) };
    let bound = BatchKey { generation: last_generation, log: log.id, last: Offset(i64::MAX) };
    let mut cursor = Cursor::new(db, Family::Log, &bound.encode(), pins);
    let mut next = range.start;
    let mut done = None;
    while let Some(chunk) = log.state().chunk_at(next) {
        // The cursor does not see batches that were added to the chunk after it was made.
        if chunk.first >= range.end || done.is_some_and(|generation| chunk.generation <= generation)
        {
            break;
        }
        let generation = chunk.generation;
        cursor.seek(&BatchKey { generation, log: log.id, last: next }.encode());
        loop {
            let (key, header, len) = match batch_at(&cursor, next) {
                Ok(Some(batch)) => batch,
                Ok(None) => break,
                // Return what was read before the damage; the next read reports it.
                Err(_) if pins && next > range.start => return Ok(Some(cursor)),
                Err(error) => return Err(error),
            };
            if (key.generation, key.log) != (generation, log.id) {
                break;
            }
            if key.last >= range.end || visit(&mut cursor, &header, len)?.is_break() {
                return Ok(Some(cursor));
            }
            next = key.last.plus(1);
            cursor.next();
        }
        next = next.max(chunk.last.plus(1));
        done = Some(generation);
    }
    Ok(Some(cursor))
}

fn batch_at(
    cursor: &Cursor,
    next: Offset,
) -> Result<Option<(BatchKey, BatchHeader, usize)>, ReadError> {
    let failed = |message| ReadError::database(message, next);
    let Some((key, value)) = cursor.entry().map_err(failed)? else { return Ok(None) };
    let malformed = |what: &str| ReadError::Corrupt { at: next, what: what.into() };
    let key = BatchKey::decode(key).map_err(|_| malformed("malformed key"))?;
    let header = BatchHeader::parse(value).map_err(|_| malformed("malformed batch"))?;
    match BatchSpan::new(&header, value.len()) {
        Ok(span) if span.last == key.last => Ok(Some((key, header, value.len()))),
        _ => Err(malformed("a batch that is another than its key says")),
    }
}
