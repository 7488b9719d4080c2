//! What the options and the settings of a consumer come to.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use barnabas_client::group::{Assignor, MemberConfig};

use super::format::Formatter;
use super::options::ConsumeArgs;
use super::start::Start;
use crate::commands::connect::ClientSettings;

pub(super) struct Settings {
    pub(super) group: Option<String>,
    /// How to be a member of the group.
    pub(super) membership: Option<MemberConfig>,
    /// Whether the group's offsets are stored, and how often.
    pub(super) commits: bool,
    pub(super) commit_interval: Duration,
    /// Where to begin if neither the group nor an option says it; none if that is an error.
    pub(super) default_start: Option<Start>,
    pub(super) read_committed: bool,
    /// Whether a broker may create the topic.
    pub(super) creates_topics: bool,
    /// How often to look for new partitions and topics.
    pub(super) metadata_age: Duration,
    pub(super) formatter: Formatter,
}

impl Settings {
    pub(super) fn new(args: &ConsumeArgs, given: &mut ClientSettings) -> anyhow::Result<Self> {
        if let Some("consumer") = given.take("group.protocol").as_deref().map(str::trim) {
            bail!("group.protocol=consumer is not supported by this tool yet: only classic");
        }
        let group = args.group.clone().or_else(|| given.take("group.id"));
        let group = group.filter(|group| !group.is_empty());
        let metadata_age =
            millis(given, "metadata.max.age.ms")?.unwrap_or(Duration::from_secs(300));
        let membership = match &group {
            Some(group) => Some(membership(group, metadata_age, given)?),
            None => None,
        };
        let isolation = args.isolation_level.clone().or_else(|| given.take("isolation.level"));
        Ok(Self {
            commits: group.is_some() && parsed(given, "enable.auto.commit")?.unwrap_or(true),
            commit_interval: millis(given, "auto.commit.interval.ms")?
                .unwrap_or(Duration::from_secs(5)),
            default_start: default_start(args, given.take("auto.offset.reset").as_deref())?,
            read_committed: match isolation.as_deref() {
                None | Some("read_uncommitted") => false,
                Some("read_committed") => true,
                Some(other) => bail!("there is no isolation level {other}"),
            },
            creates_topics: parsed(given, "allow.auto.create.topics")?.unwrap_or(true),
            metadata_age,
            formatter: args.formatter()?,
            group,
            membership,
        })
    }
}

fn membership(
    group: &str,
    metadata_age: Duration,
    given: &mut ClientSettings,
) -> anyhow::Result<MemberConfig> {
    let mut config = MemberConfig { metadata_age, ..MemberConfig::new(group.into()) };
    config.instance_id = given.take("group.instance.id").map(|name| name.as_str().into());
    for (key, time) in [
        ("session.timeout.ms", &mut config.session_timeout),
        ("heartbeat.interval.ms", &mut config.heartbeat_interval),
        ("max.poll.interval.ms", &mut config.poll_interval),
    ] {
        *time = millis(given, key)?.unwrap_or(*time);
    }
    if config.heartbeat_interval >= config.session_timeout {
        bail!("heartbeat.interval.ms must be less than session.timeout.ms");
    }
    if let Some(names) = given.take("partition.assignment.strategy") {
        let assignor = |name: &str| {
            let known = Assignor::ALL.map(Assignor::name).join(", ");
            Assignor::parse(name.trim())
                .with_context(|| format!("there is no assignor {name}: there are {known}"))
        };
        config.assignors = names.split(',').map(assignor).collect::<Result<_, _>>()?;
    }
    Ok(config)
}

fn default_start(args: &ConsumeArgs, reset: Option<&str>) -> anyhow::Result<Option<Start>> {
    match reset {
        Some(reset) if args.from_beginning && reset != "earliest" => bail!(
            "Can't simultaneously specify --from-beginning and 'auto.offset.reset={reset}', please remove one option"
        ),
        None if args.from_beginning => Ok(Some(Start::Earliest)),
        None | Some("latest") => Ok(Some(Start::Latest)),
        Some("earliest") => Ok(Some(Start::Earliest)),
        Some("none") => Ok(None),
        Some(other) => match other.strip_prefix("by_duration:") {
            Some(text) => {
                let back: jiff::SignedDuration = text.parse().with_context(|| other.to_owned())?;
                Ok(Some(Start::Time(now_ms() - back.as_millis() as i64)))
            }
            None => bail!(
                "auto.offset.reset is earliest, latest, none or by_duration:PT1H, not {other}"
            ),
        },
    }
}

#[allow(clippy::disallowed_methods)]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    given: &mut ClientSettings,
    key: &str,
) -> anyhow::Result<Option<T>> {
    let value = given.take(key).map(|text| text.trim().parse::<T>());
    value.transpose().with_context(|| format!("the value of {key}"))
}

fn millis(given: &mut ClientSettings, key: &str) -> anyhow::Result<Option<Duration>> {
    Ok(parsed::<u64>(given, key)?.map(Duration::from_millis))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Tool {
        #[command(flatten)]
        args: ConsumeArgs,
    }

    fn settings(line: &str) -> anyhow::Result<Settings> {
        let words = std::iter::once("tool").chain(line.split_whitespace());
        let args = Tool::try_parse_from(words)?.args;
        Settings::new(&args, &mut ClientSettings::new(&args.consumer_properties))
    }

    #[test]
    fn a_group_comes_with_kafkas_settings() {
        let plain = settings("--topic t").expect("valid");
        assert!(plain.membership.is_none() && !plain.commits);
        let line = "--topic t --group g --consumer-property session.timeout.ms=6000 --consumer-property \
                    partition.assignment.strategy=org.apache.kafka.clients.consumer.StickyAssignor,range \
                    --consumer-property group.instance.id=i --consumer-property enable.auto.commit=false";
        let given = settings(line).expect("valid");
        let member = given.membership.expect("a group");
        assert_eq!(member.session_timeout, Duration::from_secs(6));
        assert_eq!(member.assignors, [Assignor::Sticky, Assignor::Range]);
        assert_eq!(member.instance_id.as_deref(), Some("i"));
        assert!(!given.commits);
        for wrong in [
            "heartbeat.interval.ms=45000",
            "partition.assignment.strategy=mine",
            "group.protocol=consumer",
            "auto.offset.reset=soon",
            "session.timeout.ms=long",
        ] {
            let line = format!("--topic t --group g --consumer-property {wrong}");
            assert!(settings(&line).is_err(), "{wrong}");
        }
    }

    #[test]
    fn resets_as_kafka_names_them() {
        let start = |line: &str| settings(&format!("--topic t {line}")).map(|s| s.default_start);
        let reset = |value: &str| start(&format!("--consumer-property auto.offset.reset={value}"));
        assert_eq!(start("").expect("valid"), Some(Start::Latest));
        assert_eq!(start("--from-beginning").expect("valid"), Some(Start::Earliest));
        assert_eq!(reset("none").expect("valid"), None);
        let hour = reset("by_duration:PT1H").expect("valid");
        assert!(matches!(hour, Some(Start::Time(ms)) if (now_ms() - ms - 3_600_000) < 60_000));
        assert!(start("--from-beginning --consumer-property auto.offset.reset=latest").is_err());
    }
}
