//! `mulu connector`: a department's data sources, tried before others ask.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::exchange::connector::{ConnectorFile, Connectors};
use crate::exchange::{Sample, SampledItem, sample};
use crate::ids::EntryName;
use crate::readmodel::published_entry;
use crate::service::config::NodeConfig;

use super::error::CliError;

/// Work with the sources that `connector.toml` names.
#[derive(Subcommand)]
pub enum Connector {
    /// Ask each source for a page, show its first row masked, and hold every row against the entry's schema
    Test(Test),
}

#[derive(Args)]
pub struct Test {
    /// The node's `node.toml`; the node may be running
    #[arg(long, value_name = "FILE", default_value = "node.toml")]
    config: PathBuf,
    /// A parameter of the question, `name=value`, as often as needed; a service needs those in its URL
    #[arg(long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// One entry, `provider/name`; all that have a connector if left out
    entry: Option<EntryName>,
}

impl Connector {
    pub(super) fn run(self) -> Result<(), CliError> {
        let Self::Test(test) = self;
        test.run()
    }
}

impl Test {
    fn run(self) -> Result<(), CliError> {
        let config = NodeConfig::load(&self.config)?;
        let path = config.connector_file();
        let text = std::fs::read_to_string(&path).map_err(|cause| CliError::io(&path, &cause))?;
        let wrong = |why| CliError::usage(format_args!("{}: {why}", path.display()));
        let connectors = Connectors::new(ConnectorFile::parse(&text).map_err(wrong)?, &config.provider_dir);
        let mut names: Vec<EntryName> = connectors.entries().cloned().collect();
        if let Some(asked) = self.entry {
            if !names.contains(&asked) {
                return Err(wrong(format!("there is no connector for {asked}")));
            }
            names = vec![asked];
        }
        let params = params(&self.params)?;
        let runtime = super::runtime()?;
        let mut bad = 0;
        for name in &names {
            let Some(entry) = published_entry(&config.model_dir(), config.database()?, name)? else {
                println!(
                    "{name}: NOT PUBLISHED: its entry is not on the ledger as this node knows it; publish it, or correct `entry`"
                );
                bad += 1;
                continue;
            };
            let begun = Instant::now();
            match runtime.block_on(sample(&connectors, &entry, &params)) {
                Ok(sample) => {
                    println!("{name}: {}, {} ms", rows(&sample), begun.elapsed().as_millis());
                    bad += usize::from(!show(&sample));
                }
                Err(cause) => {
                    println!("{name}: FAILED: {cause}");
                    bad += 1;
                }
            }
        }
        match bad {
            0 => Ok(()),
            bad => Err(CliError::failed(format_args!("{bad} of {} connectors must be mended", names.len()))),
        }
    }
}

fn params(given: &[String]) -> Result<Map<String, Value>, CliError> {
    let pair = |text: &String| {
        let (name, value) =
            text.split_once('=').ok_or_else(|| CliError::usage(format_args!("`{text}` is not name=value")))?;
        Ok((name.to_owned(), Value::from(value)))
    };
    given.iter().map(pair).collect()
}

fn rows(sample: &Sample) -> String {
    match (sample.row_count, sample.has_more) {
        (0, _) => "no rows: name a subject with --param".into(),
        (count, more) => format!("{count} rows{}", if more { ", and more follow" } else { "" }),
    }
}

/// Prints every item; says whether all fit.
fn show(sample: &Sample) -> bool {
    for item in sample.items.iter().filter(|_| sample.row_count > 0) {
        let value = item.value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
        println!("  {:<24} {value:<32} {}", item.name, verdict(item));
    }
    for fault in &sample.faults {
        println!("  the row as a whole: {fault}");
    }
    sample.faults.is_empty() && sample.items.iter().all(|item| item.faults.is_empty())
}

fn verdict(item: &SampledItem) -> String {
    let Some((fault, rows)) = item.faults.first() else {
        let missing = if item.is_always_missing {
            "fits, but no row has a value: does its column stand in items?"
        } else {
            "fits"
        };
        return missing.to_owned();
    };
    let advice = if item.is_always_missing {
        "no row has a value: name its column in items, fill it, or leave it out of `required` in a new version of the entry"
    } else if item.value.is_none() {
        "some rows have no value: fill them, or leave the item out of `required` in a new version of the entry"
    } else {
        "mend the value in the source, for example by a view or query, or publish a new version of the entry"
    };
    format!("DOES NOT FIT ({rows} rows): {fault}\n{:>27}{advice}", "")
}
