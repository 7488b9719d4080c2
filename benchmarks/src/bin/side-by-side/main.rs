//! Barnabas and Apache Kafka under the same loads, in one run, by turns.
//!
//! Most workloads start both brokers, run once uncounted on each to warm them up, and then
//! alternate: Barnabas, Kafka, Kafka, Barnabas; some want a fresh broker each time. What is
//! compared is the medians, above all of CPU time, which says more than the clock on a machine that
//! does other things besides. `docs/benchmarks.md` explains the numbers.

mod client;
mod load;
mod loopback;
mod peers;
mod proc;
mod report;
mod workloads;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use barnabas_broker::env;
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};

use loopback::Loopback;
use peers::{Broker, Places, Side};
use report::Measured;
use workloads::{Context, Workload};

/// Measures Barnabas and Apache Kafka side by side: rates, CPU time, memory, and their ratios.
#[derive(Debug, Parser)]
#[command(args_override_self = true)]
#[command(after_help = "Examples:\n  \
    benchmarks/run.sh --list\n  \
    benchmarks/run.sh --only produce-1k,fetch-warm\n  \
    benchmarks/run.sh --only unbatched --broker barnabas --rounds 3\n  \
    benchmarks/run.sh --compare last\n\n\
    A round is Barnabas, Kafka, Kafka, Barnabas. The table goes to standard output, progress to standard error,\n\
    and all numbers to a JSON file of its own in --results.")]
struct Args {
    /// Names of workloads, separated by commas; without it, all.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    only: Vec<String>,
    /// List the workloads and end.
    #[arg(long)]
    list: bool,
    /// Rounds of each workload; each runs it twice on each broker.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// Which broker to measure.
    #[arg(long, value_enum, default_value_t = Which::Both)]
    broker: Which,
    /// Run this share of each load: 0.1 for a quick look.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// Records of 1 KiB a second in workloads of a steady rate: for `latency`, 30 % of what the
    /// slower broker can take is to be recommended, and the default is that for Kafka on two
    /// processors.
    #[arg(long)]
    rate: Option<u64>,
    /// Show what changed since an earlier report, or since the `last` one.
    #[arg(long, value_name = "FILE|last")]
    compare: Option<String>,
    /// The barnabas binary, also the load generator [default: beside this program].
    #[arg(long, value_name = "FILE")]
    barnabas: Option<PathBuf>,
    /// The folder with Kafka's jars, as scripts/kafka-tools.sh prints it.
    #[arg(long, value_name = "DIR")]
    kafka_jars: Option<PathBuf>,
    /// Where the brokers put data and logs.
    #[arg(long, default_value = "target/side-by-side", value_name = "DIR")]
    data: PathBuf,
    /// Where reports are kept.
    #[arg(long, default_value = "benchmarks/results/local", value_name = "DIR")]
    results: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Both,
    Barnabas,
    Kafka,
}

impl Which {
    /// One round: each broker twice, so that neither gains by what changes with time.
    fn round(self) -> &'static [Side] {
        match self {
            Self::Both => &[Side::Barnabas, Side::Kafka, Side::Kafka, Side::Barnabas],
            Self::Barnabas => &[Side::Barnabas, Side::Barnabas],
            Self::Kafka => &[Side::Kafka, Side::Kafka],
        }
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let chosen = choose(&args.only)?;
    if args.list {
        chosen.iter().for_each(|workload| println!("{:26}{}", workload.name, workload.about));
        return Ok(());
    }
    fs::create_dir_all(&args.data)?;
    let barnabas = match &args.barnabas {
        Some(file) => file.clone(),
        None => std::env::current_exe()?.with_file_name("barnabas"),
    };
    ensure!(barnabas.exists(), "no {}: build it, or say --barnabas", barnabas.display());
    let barnabas = barnabas.canonicalize()?;
    let places = Places {
        barnabas: barnabas.clone(),
        jars: args.kafka_jars.clone(),
        data: args.data.canonicalize()?,
    };
    let context = Context::new(&barnabas, args.scale, args.rate);
    let earlier =
        args.compare.as_deref().map(|name| find_report(name, &args.results)).transpose()?;
    let loopback = Loopback::measure().context("sending over loopback")?;
    let run = describe_run(&args, loopback);

    let (mut all, mut failed) = (Vec::new(), 0);
    for workload in &chosen {
        if let Some(lacking) = workload.plan.lacks() {
            eprintln!("{} is left out: {lacking}", workload.name);
            continue;
        }
        match measure(workload, &args, &places, &context) {
            Ok(measured) => all.push(measured),
            Err(error) => {
                eprintln!("{} FAILED: {error:#}", workload.name);
                failed += 1;
            }
        }
    }
    println!(
        "Sending alone: {:.2} CPU-s/GB in writes of 1 MiB, {:.2} in writes of 25 KiB to ten readers.\n",
        loopback.large, loopback.small
    );
    print!("{}", report::table(&all));
    if let Some(earlier) = earlier {
        println!("\nSince {}:\n\n{}", earlier.display(), report::comparison(&earlier, &all)?);
    }
    let file = save(&args.results, &report::json(&run, &all))?;
    eprintln!("All numbers: {}", file.display());
    ensure!(failed == 0, "{failed} of {} workloads failed", chosen.len());
    Ok(())
}

fn choose(names: &[String]) -> anyhow::Result<Vec<Workload>> {
    let mut all = workloads::all();
    for name in names {
        ensure!(all.iter().any(|w| w.name == name), "no workload {name}: see --list");
    }
    all.retain(|workload| names.is_empty() || names.iter().any(|name| name == workload.name));
    Ok(all)
}

fn measure(
    workload: &Workload,
    args: &Args,
    places: &Places,
    context: &Context,
) -> anyhow::Result<Measured> {
    let round = args.broker.round();
    let mut brokers = Vec::new();
    for side in [Side::Barnabas, Side::Kafka].into_iter().filter(|side| round.contains(side)) {
        if workload.plan.wants_fresh() {
            break;
        }
        eprintln!("{}: warming up {}", workload.name, side.name());
        let mut broker = Broker::start(side, places)?;
        workload.plan.prepare(context, &broker)?;
        workload.plan.measure(context, &mut broker)?;
        brokers.push(broker);
    }
    let mut samples = Vec::new();
    for side in (0..args.rounds).flat_map(|_| round) {
        let sample = match brokers.iter_mut().find(|broker| broker.side() == *side) {
            Some(broker) => workload.plan.measure(context, broker)?,
            None => workload.plan.measure(context, &mut Broker::start(*side, places)?)?,
        };
        eprintln!("{}: {:9}{}", workload.name, side.name(), sample.line());
        samples.push((*side, sample));
    }
    Ok(Measured { workload: workload.name, about: workload.about, samples })
}

/// When, where and how: what is needed to judge the numbers later.
fn describe_run(args: &Args, loopback: Loopback) -> Value {
    let file = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        output.map_or_else(
            |_| String::new(),
            |o| String::from_utf8_lossy(&o.stdout).trim().to_owned(),
        )
    };
    let cpu_info = file("/proc/cpuinfo");
    let model = cpu_info.lines().find(|line| line.starts_with("model name"));
    json!({
        "at_ms": env::wall_clock_ms(),
        "commit": said("git", &["describe", "--always", "--dirty"]),
        "kernel": file("/proc/sys/kernel/osrelease").trim(),
        "processor": model.and_then(|line| line.split(": ").nth(1)),
        "processors": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": file("/proc/meminfo").lines().next(),
        "loopback CPU-s/GB": { "1 MiB": loopback.large, "25 KiB to ten": loopback.small },
        "load_before": file("/proc/loadavg").trim(),
        "kafka": args.kafka_jars.as_ref().map(|dir| kafka_version(dir)),
        "rounds": args.rounds,
        "scale": args.scale,
        "rate": args.rate,
    })
}

/// By the name of Kafka's jar.
fn kafka_version(jars: &Path) -> Option<String> {
    let names = fs::read_dir(jars).ok()?.flatten().map(|entry| entry.file_name());
    let mut names = names.filter_map(|name| name.into_string().ok());
    names.find_map(|n| Some(n.strip_prefix("kafka-clients-")?.strip_suffix(".jar")?.to_owned()))
}

fn find_report(name: &str, results: &Path) -> anyhow::Result<PathBuf> {
    if name != "last" {
        return Ok(name.into());
    }
    let found = fs::read_dir(results).into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = found.filter(|path| path.extension().is_some_and(|e| e == "json")).max();
    newest.with_context(|| format!("no report in {}", results.display()))
}

fn save(results: &Path, report: &Value) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(results)?;
    let file = results.join(format!("{}.json", env::wall_clock_ms()));
    fs::write(&file, format!("{report:#}\n"))?;
    Ok(file)
}
