//! RocksDB's settings for the log. Each was measured, alone, against its default; see the storage
//! design.

use std::path::Path;

use rocksdb::compaction_filter::Decision;
use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, LogLevel, Options};

use super::Family;

/// What the settings depend on.
pub(super) struct Tuning {
    /// The largest generation, in bytes.
    pub(super) generation_bytes: usize,
    /// Whether the file system does direct I/O.
    pub(super) direct_io: bool,
}

/// Settings of the database as a whole.
pub(super) fn database(tuning: &Tuning) -> Options {
    let mut options = common(tuning);
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    // One flush covers all families up to one sequence number, so that a small family never pins
    // the WAL.
    options.set_atomic_flush(true);
    options.set_allow_concurrent_memtable_write(false);
    options.set_enable_write_thread_adaptive_yield(false);
    options.set_recycle_log_file_num(4);
    // The only mode that allows recycled WAL files. It may drop an unsynced tail after a power
    // failure, which is why an open without the clean-shutdown marker counts as unclean.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // Never reached: every generation's flush frees its WAL.
    options.set_max_total_wal_size(64 * tuning.generation_bytes as u64);
    options.set_use_direct_io_for_flush_and_compaction(tuning.direct_io);
    options.set_allow_mmap_reads(true);
    // With MADV_RANDOM the kernel reads nothing ahead: a cold catch-up read costs 5 to 10 times as
    // much.
    options.set_advise_random_on_open(false);
    // Files stay open, so that values read from their mapping stay in place.
    options.set_max_open_files(-1);
    options.set_skip_stats_update_on_db_open(true);
    options.set_max_manifest_file_size(8 << 20);
    options.set_max_background_jobs(2);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_log_level(LogLevel::Warn);
    options.set_keep_log_file_num(3);
    options.set_max_log_file_size(4 << 20);
    options
}

/// Settings of a database that is only opened to be asked about its files.
pub(super) fn glance(wal: &Path) -> Options {
    let mut options = Options::default();
    options.set_wal_dir(wal);
    // Otherwise it would open all files.
    options.set_max_open_files(16);
    options.set_skip_stats_update_on_db_open(true);
    options
}

/// Settings of one column family.
pub(super) fn family(
    family: Family,
    tuning: &Tuning,
    cache: &Cache,
    keep: impl Fn(&[u8]) -> bool + Send + 'static,
) -> Options {
    let mut options = common(tuning);
    options.set_block_based_table_factory(&table(family, cache));
    options.set_max_write_buffer_number(4);
    // Much less than a generation: RocksDB counts whole blocks, and must not find a memtable full
    // at once.
    let log_block = (tuning.generation_bytes / 8).clamp(16 << 10, 4 << 20);
    let block = if family == Family::Log { log_block } else { log_block.min(128 << 10) };
    options.set_arena_block_size(block);
    if family == Family::Log {
        options.set_compaction_filter(c"barnabas.live", move |_, key, _| match keep(key) {
            true => Decision::Keep,
            false => Decision::Remove,
        });
    }
    options
}

/// What goes for all families: all that RocksDB's default one, which is not used, needs to be told.
pub(super) fn common(tuning: &Tuning) -> Options {
    let mut options = Options::default();
    // The writer ends generations, of twice the size at most; RocksDB must not switch memtables by
    // itself in the middle of one. So much of the WAL is allocated ahead, and must be free for
    // RocksDB to resume after ENOSPC.
    options.set_write_buffer_size(tuning.generation_bytes * 5 / 2);
    // Batches arrive compressed.
    options.set_compression_type(DBCompressionType::None);
    // Both would rewrite old files for nothing.
    options.set_ttl(0);
    options.set_periodic_compaction_seconds(0);
    // Two files in level 0 are moved on without being rewritten, as their keys do not overlap; and
    // straight to the last level, which is never too large.
    options.set_level_zero_file_num_compaction_trigger(2);
    options.set_level_zero_slowdown_writes_trigger(64);
    options.set_level_zero_stop_writes_trigger(128);
    options.set_max_bytes_for_level_base(1 << 50);
    options.set_soft_pending_compaction_bytes_limit(0);
    options.set_hard_pending_compaction_bytes_limit(0);
    options
}

fn table(family: Family, cache: &Cache) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_size(if family == Family::Log { 128 << 10 } else { 16 << 10 });
    table.set_block_cache(cache);
    table
}
