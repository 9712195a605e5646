//! `mulu demo`: a whole city on this machine.

pub(super) mod city;
pub(super) mod client;
pub(super) mod manifest;
pub(super) mod prepare;
mod publish;
mod screen;
pub(super) mod supervisor;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use reqwest::Client;
use tokio::time::sleep;

use crate::crypto::tls::install_provider;
use crate::service::departments::{City, load};

use super::departments;
use super::error::CliError;
use super::init::Shape;
use super::node::stop_signal;
use city::{DemoCity, DemoNode};
use manifest::Manifest;
use supervisor::{Event, Supervisor};

/// How long the nodes may take to be ready together.
const READY_PATIENCE: Duration = Duration::from_secs(120);
const READY_PAUSE: Duration = Duration::from_millis(100);
/// Lines of a node's log that are shown when it does not start.
const LOG_LINES: usize = 8;

/// Makes a city of the departments' folders, starts one process a department on the loopback, publishes the catalogs
/// and grants through the API, and writes `demo.json` when all is ready. Runs until Ctrl-C.
#[derive(Args)]
pub struct Demo {
    /// Folder for all data; a city that is there already goes on. Default: a new temporary folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Folder with one folder a department; default: ./departments
    #[arg(long, value_name = "DIR")]
    departments: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
    /// Leave a node that ended as it is, instead of starting it again
    #[arg(long)]
    no_restart: bool,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), CliError> {
        let begun = Instant::now();
        let dir = match &self.dir {
            Some(dir) => std::path::absolute(dir).map_err(|e| CliError::io(dir, &e))?,
            None => city::temporary()?,
        };
        city::make_unless_there(&dir, &departments::find(self.departments.as_deref())?, &self.shape)?;
        let city = DemoCity::open(&dir)?;
        city.check_ports()?;
        let Some(first) = city.nodes.first() else { return Err(CliError::usage("the city has no departments")) };
        let folders = load(&first.config.departments_dir)?;
        println!("{}: chain {}, {} nodes", dir.display(), city.chain, city.nodes.len());
        let manifest = prepare::prepare(&city, &folders)?;
        install_provider();
        super::runtime()?.block_on(run(&city, &folders, manifest, !self.no_restart, begun))
    }
}

/// Runs the city until it is told to stop; whatever happens, no child stays behind.
async fn run(
    city: &DemoCity,
    folders: &City,
    manifest: Manifest,
    restart: bool,
    begun: Instant,
) -> Result<(), CliError> {
    // Asked for first: a signal during the start must not leave nodes behind either.
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let mut supervisor = Supervisor::start(&city.nodes, restart)?;
    let ended = tokio::select! {
        ended = serve(&mut supervisor, city, folders, manifest, begun) => ended,
        () = &mut stop => Ok(()),
    };
    println!("\n正在停止 · stopping …");
    supervisor.stop().await;
    println!("已停止 · stopped. Continue with: mulu demo --dir {}", city.dir.display());
    ended
}

/// Brings the city up and then keeps `demo.json` true. Ends only by an error.
async fn serve(
    supervisor: &mut Supervisor,
    city: &DemoCity,
    folders: &City,
    mut manifest: Manifest,
    begun: Instant,
) -> Result<(), CliError> {
    let http = client::http()?;
    let bringing_up = bring_up(&http, manifest.clone(), folders);
    tokio::pin!(bringing_up);
    let mut is_ready = false;
    loop {
        tokio::select! {
            brought = &mut bringing_up, if !is_ready => {
                let done = brought?;
                is_ready = true;
                let file = manifest.write(&city.dir)?;
                screen::show(&manifest, folders, &file);
                let (entries, grants) = (done.entries, done.grants);
                println!("{:.1} s; {entries} entries and {grants} grants are new", begun.elapsed().as_secs_f64());
            }
            event = supervisor.events.recv() => match event {
                Some(event) => note(event, city, &mut manifest, is_ready)?,
                None => return Err(CliError::failed("every node has ended")),
            },
        }
    }
}

async fn bring_up(http: &Client, manifest: Manifest, folders: &City) -> Result<publish::Done, CliError> {
    let deadline = Instant::now() + READY_PATIENCE;
    for node in &manifest.nodes {
        while !client::is_ready(http, &node.url).await {
            if Instant::now() >= deadline {
                let why =
                    format!("{} is not ready after {} s: see its node.log", node.department, READY_PATIENCE.as_secs());
                return Err(CliError::Failed(why));
            }
            sleep(READY_PAUSE).await;
        }
    }
    publish::publish(http, &manifest, folders).await
}

/// Takes note of what happened to a node.
fn note(event: Event, city: &DemoCity, manifest: &mut Manifest, is_ready: bool) -> Result<(), CliError> {
    match event {
        Event::Started { node, pid } => {
            if let Some(entry) = manifest.nodes.get_mut(node) {
                entry.pid = pid;
            }
            if is_ready { manifest.write(&city.dir).map(|_| ()) } else { Ok(()) }
        }
        Event::Ended { node, status, again } => {
            let Some(node) = city.nodes.get(node) else { return Ok(()) };
            let next = if again { "重新启动 · it is started again" } else { "不再启动 · it stays down" };
            eprintln!("{} {status}: {next}", node.config.department);
            if is_ready || again {
                return Ok(());
            }
            Err(CliError::Failed(format!("{} does not start:\n{}", node.config.department, log_end(node))))
        }
    }
}

/// The last lines of a node's log.
fn log_end(node: &DemoNode) -> String {
    let path: &Path = &node.folder.join("node.log");
    let text = fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(LOG_LINES).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
