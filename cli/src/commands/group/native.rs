//! The options of `barnabas group`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::describe::{self, Aspect};
use super::reset::{Form, Reset, Scope, Target, before_now, datetime};
use super::selection::Selection;
use super::{Groups, delete, list, offsets};
use crate::commands::connect::{ConnectArgs, block_on};
use crate::output;
use crate::output::Format;

/// `barnabas group`.
#[derive(Debug, Args)]
pub(crate) struct GroupArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the names and states of groups.
    List {
        /// How to print.
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Print the state, the members and the offsets of groups.
    Describe {
        /// These groups only; may be repeated.
        #[arg(long = "group")]
        groups: Vec<String>,
        /// How to print.
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Print how many records groups have still to consume.
    Lag {
        /// These groups only; may be repeated.
        #[arg(long = "group")]
        groups: Vec<String>,
        /// How to print.
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Move a group that has no members to other offsets: shows them, and commits them with
    /// --execute.
    Reset(Box<ResetArgs>),
    /// Delete groups with all their offsets.
    Delete {
        /// The group; may be repeated.
        #[arg(long = "group", required = true)]
        groups: Vec<String>,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Delete the offsets that a group has committed for topics.
    DeleteOffsets {
        /// The group.
        #[arg(long)]
        group: String,
        /// A topic, or some of its partitions, as topic:0,1,2; may be repeated.
        #[arg(long = "topic", required = true)]
        topics: Vec<String>,
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

/// Options of `barnabas group reset`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("target").required(true).args(["to_earliest", "to_latest", "to_current",
    "to_offset", "shift_by", "to_datetime", "by_duration", "from_file"])))]
struct ResetArgs {
    /// The group.
    #[arg(long)]
    group: String,
    /// A topic, or some of its partitions, as topic:0,1,2; may be repeated. Without it, all of
    /// which the group has committed offsets.
    #[arg(long = "topic")]
    topics: Vec<String>,
    /// The first record that is kept.
    #[arg(long)]
    to_earliest: bool,
    /// The end.
    #[arg(long)]
    to_latest: bool,
    /// Where the group is; the end where it has committed nothing.
    #[arg(long)]
    to_current: bool,
    /// This offset.
    #[arg(long, value_name = "OFFSET", allow_negative_numbers = true)]
    to_offset: Option<i64>,
    /// This many records on, or back if negative.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    shift_by: Option<i64>,
    /// The first record at or after a time, in UTC if it does not say.
    #[arg(long, value_name = "TIME")]
    to_datetime: Option<String>,
    /// The first record at or after a time so long ago, as P1DT2H.
    #[arg(long, value_name = "DURATION")]
    by_duration: Option<String>,
    /// The offsets of a CSV file: TOPIC,PARTITION,OFFSET.
    #[arg(long, value_name = "FILE", conflicts_with = "topics")]
    from_file: Option<PathBuf>,
    /// Commit the new offsets.
    #[arg(long)]
    execute: bool,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl ResetArgs {
    fn reset(&self) -> anyhow::Result<Reset> {
        let target = if let Some(offset) = self.to_offset {
            Target::Offset(offset)
        } else if let Some(by) = self.shift_by {
            Target::ShiftBy(by)
        } else if let Some(time) = &self.to_datetime {
            Target::Time(datetime(time)?)
        } else if let Some(duration) = &self.by_duration {
            Target::Time(before_now(duration)?)
        } else if let Some(file) = &self.from_file {
            Target::File(file.clone())
        } else if self.to_earliest {
            Target::Earliest
        } else if self.to_latest {
            Target::Latest
        } else {
            Target::Current
        };
        let scope = match (&self.from_file, self.topics.is_empty()) {
            (Some(_), _) => Scope::File,
            (None, true) => Scope::All,
            (None, false) => Scope::Topics(Selection::parse(&self.topics)?),
        };
        let form = if self.output == Format::Json { Form::Json } else { Form::Table };
        let groups = Groups::Named(vec![self.group.clone()]);
        Ok(Reset { groups, scope, target, execute: self.execute, form })
    }
}

fn groups(names: Vec<String>) -> Groups {
    if names.is_empty() { Groups::All } else { Groups::Named(names) }
}

/// Runs `barnabas group`.
pub(crate) fn run(args: GroupArgs) -> anyhow::Result<()> {
    block_on(async {
        match args.action {
            Action::List { output: Format::Json, connect } => list::json(&connect.cluster()?).await,
            Action::List { connect, .. } => {
                list::run(&connect.cluster()?, Some(Vec::new()), None).await
            }
            Action::Describe { groups: names, output: Format::Json, connect } => {
                describe::json(&connect.cluster()?, &groups(names)).await
            }
            Action::Describe { groups: names, connect, .. } => {
                let (cluster, groups) = (connect.cluster()?, groups(names));
                describe::run(&cluster, &groups, &[Aspect::State, Aspect::Offsets]).await
            }
            Action::Lag { groups: names, output, connect } => {
                describe::lag(&connect.cluster()?, &groups(names), output == Format::Json).await
            }
            Action::Reset(reset) => {
                reset.reset()?.run(&reset.connect.cluster()?).await?;
                if !reset.execute {
                    output::note("Nothing is changed yet: add --execute to commit these offsets.");
                }
                Ok(())
            }
            Action::Delete { groups: names, connect } => {
                delete(&connect.cluster()?, &Groups::Named(names)).await
            }
            Action::DeleteOffsets { group, topics, connect } => {
                let selection = Selection::parse(&topics)?;
                offsets::delete(&connect.cluster()?, &group, &selection, &topics).await
            }
        }
    })
}
