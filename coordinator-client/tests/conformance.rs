//! One suite for everything that answers as etcd does: the embedded server and a real `etcd`
//! process.
//!
//! The real one is `$ETCD_BIN`, else `etcd` on the `PATH`; without it those tests say so and pass.
//! Every test has a server, ports and directories of its own.

mod suite;

use suite::{cases, real, server::Server};

/// Declares one test per case in a module for one kind of server.
macro_rules! tests_with {
    ($kind:ident, $($module:ident: $($case:ident),+;)+) => {
        mod $kind {
            use super::*;
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(server) = Server::$kind().await {
                        Box::pin(cases::$module::$case(server)).await;
                    }
                }
            )+)+
        }
    };
}

/// Declares the cases for all kinds of servers.
macro_rules! conformance {
    ($($cases:tt)+) => {
        tests_with! { embedded, $($cases)+ }
        tests_with! { etcd, $($cases)+ }
    };
}

conformance! {
    kv: keys_are_read_as_written, a_listing_shows_one_revision, large_values_are_listed,
        a_prefix_ends_where_it_ends;
    txn: every_compare, a_conflict_shows_what_is_there_and_changes_nothing, limits,
        a_put_under_a_dead_lease_is_fenced, a_lost_reply_is_indeterminate,
        an_own_write_is_recognised_after_a_lost_reply, what_was_not_sent_was_not_applied;
    lease: keys_go_when_the_lease_expires, keys_go_when_the_lease_is_revoked,
        a_session_outlives_its_time_to_live, a_session_learns_that_its_lease_was_revoked,
        an_outage_leads_to_uncertain_and_then_to_lost, a_session_survives_a_restart_of_the_server;
    watch: a_snapshot_and_then_every_change_in_order, a_watch_resumes_after_its_connection_broke,
        a_watch_lists_again_after_compaction, an_expired_lease_is_seen,
        reconciling_is_silent_when_nothing_differs, large_revisions_are_never_split,
        a_watch_waits_for_the_server, a_lost_change_is_found_by_reconciling;
    election: one_candidate_wins, an_old_leader_is_fenced, an_unregistered_candidate_cannot_win,
        a_winner_whose_reply_was_lost_finds_out, only_the_leader_resigns,
        the_clock_is_written_by_one_term, a_missing_clock_raises_the_restore_count,
        a_restore_is_counted_once;
    endpoints: a_dead_endpoint_is_passed_over, a_silent_endpoint_is_passed_over,
        a_stranded_connection_is_given_up, a_session_lives_with_a_silent_endpoint, a_client_comes_up_before_the_server,
        a_client_goes_on_after_a_restart;
}

/// What only a real etcd has.
mod etcd_only {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn users_and_passwords() {
        if let Some(server) = Server::etcd().await {
            Box::pin(real::users_and_passwords(server)).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn tls_with_client_certificates() {
        Box::pin(real::tls_with_client_certificates()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_paused_etcd() {
        if let Some(server) = Server::etcd().await {
            Box::pin(real::a_paused_etcd(server)).await;
        }
    }
}
