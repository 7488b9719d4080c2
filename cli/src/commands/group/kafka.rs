//! The options of `kafka-consumer-groups`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{ArgGroup, Parser};
use regex::Regex;

use super::describe::{self, Aspect};
use super::reset::{Form, Reset, Scope, Target, before_now, datetime};
use super::selection::Selection;
use super::{Groups, delete, list, offsets};
use crate::command_line::parse_as_kafka;
use crate::commands::connect::{ConnectArgs, block_on};
use crate::output;

/// The actions that options of one do not belong to. (`requires` is not enforced between options
/// that conflict.)
const NOT_DESCRIBE: [&str; 4] = ["list", "delete", "reset_offsets", "delete_offsets"];
const NOT_LIST: [&str; 4] = ["describe", "delete", "reset_offsets", "delete_offsets"];
const NOT_RESET: [&str; 4] = ["list", "describe", "delete", "delete_offsets"];

/// List, describe, delete and reset consumer groups.
#[derive(Debug, Parser)]
#[command(name = "kafka-consumer-groups", version, max_term_width = 100)]
#[command(group(ArgGroup::new("action").required(true).args(
    ["list", "describe", "delete", "reset_offsets", "delete_offsets", "validate_regex"])))]
#[command(group(ArgGroup::new("target").args(["to_earliest", "to_latest", "to_current", "to_offset",
    "shift_by", "to_datetime", "by_duration", "from_file"])))]
struct ConsumerGroups {
    /// List all groups.
    #[arg(long)]
    list: bool,
    /// Show how far groups have consumed, and their lag.
    #[arg(long)]
    describe: bool,
    /// Delete groups with all their offsets.
    #[arg(long)]
    delete: bool,
    /// Move groups that have no members to other offsets.
    #[arg(long)]
    reset_offsets: bool,
    /// Delete the offsets of topics.
    #[arg(long)]
    delete_offsets: bool,
    /// Check a regular expression.
    #[arg(long, value_name = "REGEX")]
    validate_regex: Option<String>,
    /// The group; may be repeated.
    #[arg(long = "group", conflicts_with = "list")]
    groups: Vec<String>,
    /// All groups.
    #[arg(long, conflicts_with_all = ["groups", "list", "delete_offsets"])]
    all_groups: bool,
    /// A topic, or some of its partitions, as topic:0,1,2; may be repeated.
    #[arg(long = "topic", conflicts_with_all = ["list", "describe", "delete"])]
    topics: Vec<String>,
    /// All topics of which the group has committed offsets.
    #[arg(long, conflicts_with_all = NOT_RESET, conflicts_with = "topics")]
    all_topics: bool,
    /// With --describe: the members.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE, group = "aspect")]
    members: bool,
    /// With --describe: the offsets, as without an option.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE, group = "aspect")]
    offsets: bool,
    /// With --describe: the state. With --list: the states, or only groups in these.
    #[arg(long, group = "aspect", num_args = 0..=1, default_missing_value = "",
        conflicts_with_all = ["delete", "reset_offsets", "delete_offsets"])]
    state: Option<String>,
    /// With --list: the types, or only groups of these.
    #[arg(long = "type", num_args = 0..=1, default_missing_value = "", conflicts_with_all = NOT_LIST)]
    kind: Option<String>,
    /// With --members: which partitions they have.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE)]
    verbose: bool,
    /// Only show the new offsets, as without --execute.
    #[arg(long, conflicts_with_all = NOT_RESET, conflicts_with = "execute")]
    dry_run: bool,
    /// Commit the new offsets.
    #[arg(long, conflicts_with_all = NOT_RESET)]
    execute: bool,
    /// Print the new offsets as CSV, for --from-file.
    #[arg(long, conflicts_with_all = NOT_RESET)]
    export: bool,
    /// The first record that is kept.
    #[arg(long, conflicts_with_all = NOT_RESET)]
    to_earliest: bool,
    /// The end.
    #[arg(long, conflicts_with_all = NOT_RESET)]
    to_latest: bool,
    /// Where the group is; the end where it has committed nothing.
    #[arg(long, conflicts_with_all = NOT_RESET)]
    to_current: bool,
    /// This offset.
    #[arg(long, value_name = "OFFSET", conflicts_with_all = NOT_RESET, allow_negative_numbers = true)]
    to_offset: Option<i64>,
    /// This many records on, or back if negative.
    #[arg(long, value_name = "N", conflicts_with_all = NOT_RESET, allow_negative_numbers = true)]
    shift_by: Option<i64>,
    /// The first record at or after a time: YYYY-MM-DDThh:mm:ss.sss (UTC).
    #[arg(long, value_name = "TIME", conflicts_with_all = NOT_RESET)]
    to_datetime: Option<String>,
    /// The first record at or after a time so long ago: PnDTnHnMnS.
    #[arg(long, value_name = "DURATION", conflicts_with_all = NOT_RESET)]
    by_duration: Option<String>,
    /// The offsets of a CSV file.
    #[arg(long, value_name = "FILE", conflicts_with_all = NOT_RESET)]
    from_file: Option<PathBuf>,
    /// How long to try, in ms.
    #[arg(long, value_name = "MS", default_value_t = 30_000)]
    timeout: u64,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl ConsumerGroups {
    fn groups(&self, action: &str) -> anyhow::Result<Groups> {
        match (self.all_groups, self.groups.is_empty()) {
            (true, _) => Ok(Groups::All),
            (false, false) => Ok(Groups::Named(self.groups.clone())),
            (false, true) => {
                bail!("Option [{action}] takes one of these options: [all-groups], [group]")
            }
        }
    }

    fn aspect(&self) -> anyhow::Result<Aspect> {
        match &self.state {
            Some(state) if !state.is_empty() => {
                bail!("Option [describe] does not take a value for [state]")
            }
            Some(_) => Ok(Aspect::State),
            None if self.members => Ok(Aspect::Members { verbose: self.verbose }),
            None => Ok(Aspect::Offsets),
        }
    }

    fn reset(&self) -> anyhow::Result<Reset> {
        if !self.dry_run && !self.execute {
            output::note(
                "WARN: No action will be performed as the --execute option is missing. Add --dry-run to say that \
                 this is wanted.",
            );
        }
        let scope = match (self.all_topics, self.topics.is_empty(), &self.from_file) {
            (_, _, Some(_)) => Scope::File,
            (true, ..) => Scope::All,
            (_, false, _) => Scope::Topics(Selection::parse(&self.topics)?),
            _ => bail!("One of the reset scopes should be defined: --all-topics, --topic."),
        };
        Ok(Reset {
            groups: self.groups("reset-offsets")?,
            scope,
            target: self.target()?,
            execute: self.execute,
            form: if self.export { Form::Csv } else { Form::Table },
        })
    }

    fn target(&self) -> anyhow::Result<Target> {
        let flags = [
            (self.to_earliest, Target::Earliest),
            (self.to_latest, Target::Latest),
            (self.to_current, Target::Current),
        ];
        if let Some((_, target)) = flags.into_iter().find(|(given, _)| *given) {
            return Ok(target);
        }
        if let Some(offset) = self.to_offset {
            return Ok(Target::Offset(offset));
        }
        if let Some(by) = self.shift_by {
            return Ok(Target::ShiftBy(by));
        }
        if let Some(file) = &self.from_file {
            return Ok(Target::File(file.clone()));
        }
        match (&self.to_datetime, &self.by_duration) {
            (Some(time), _) => Ok(Target::Time(datetime(time)?)),
            (_, Some(duration)) => Ok(Target::Time(before_now(duration)?)),
            _ => bail!(
                "Option '[reset-offsets]' requires one of the following scenarios: --to-offset, --to-datetime, \
                 --by-duration, --to-earliest, --to-latest, --shift-by, --from-file, --to-current"
            ),
        }
    }
}

/// Runs `kafka-consumer-groups`.
pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<()> {
    let options: ConsumerGroups = parse_as_kafka(arguments);
    if let Some(regex) = &options.validate_regex {
        Regex::new(regex).with_context(|| format!("{regex} is not a regular expression"))?;
        return Ok(output::line(format_args!("The regular expression `{regex}` is valid."))?);
    }
    block_on(async {
        let cluster = options.connect.cluster()?;
        let cluster = &cluster.retrying_for(Some(Duration::from_millis(options.timeout)));
        if options.list {
            let states = list::filter("state", options.state.as_deref())?;
            let types = list::filter("type", options.kind.as_deref())?;
            return list::run(cluster, states, types).await;
        }
        if options.describe {
            let aspect = options.aspect()?;
            return describe::run(cluster, &options.groups("describe")?, &[aspect]).await;
        }
        if options.delete {
            return delete(cluster, &options.groups("delete")?).await;
        }
        if options.reset_offsets {
            return options.reset()?.run(cluster).await;
        }
        let [group] = &options.groups[..] else {
            bail!("Option [delete-offsets] takes the following options: [topic], [group]")
        };
        if options.topics.is_empty() {
            bail!("Option [delete-offsets] takes the following options: [topic], [group]");
        }
        let selection = Selection::parse(&options.topics)?;
        offsets::delete(cluster, group, &selection, &options.topics).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<ConsumerGroups, clap::Error> {
        let words = std::iter::once("kafka-consumer-groups").chain(line.split_whitespace());
        ConsumerGroups::try_parse_from(words)
    }

    #[test]
    fn resets_as_the_documentation_types_them() {
        let reset = |line: &str| parse(line).expect("valid").reset().expect("complete");
        let given = reset("--reset-offsets --group g --topic t:0,1 --shift-by -5 --execute");
        assert_eq!((given.target, given.execute), (Target::ShiftBy(-5), true));
        assert!(matches!(given.scope, Scope::Topics(_)));
        let given =
            reset("--reset-offsets --all-groups --all-topics --to-earliest --dry-run --export");
        assert_eq!((given.groups, given.scope, given.form), (Groups::All, Scope::All, Form::Csv));
        assert_eq!((given.target, given.execute), (Target::Earliest, false));
        let given = reset("--reset-offsets --group g --from-file f --dry-run");
        assert_eq!((given.scope, given.target), (Scope::File, Target::File("f".into())));
    }

    #[test]
    fn options_of_another_action_are_refused() {
        for line in [
            "",
            "--list --describe",
            "--list --group g",
            "--describe --group g --members --state",
            "--describe --group g --execute",
            "--delete --group g --topic t",
            "--reset-offsets --group g --topic t --to-earliest --to-latest",
            "--reset-offsets --group g --topic t --to-earliest --dry-run --execute",
            "--list --members",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("--describe").expect("parsed").groups("describe").is_err());
        let no_scope = parse("--reset-offsets --group g --to-earliest").expect("parsed");
        assert!(no_scope.reset().is_err());
    }
}
