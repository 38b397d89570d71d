//! What `make bench` measures with, beside wrk and nginx: a hand-written server as yardstick, and clients that sign
//! webhooks and download with claims. See `scripts/bench.sh`.

mod bad_stripe;
mod deliver;
mod desk;
mod download;
mod invoices;
mod load;
mod overload;
mod process;
mod yardstick;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// The store's: the yardstick is not to be slower for another allocator.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Debug, Parser)]
#[command(about = "Yardsticks and clients of `make bench` and `make soak`")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the store's catalogue and one book from hand-written handlers: the same query in one blocking hop, the
    /// same HTML by `write!`. Ends with an error unless its bytes are the store's.
    Yardstick {
        #[arg(long)]
        listen: String,
        /// The store to be equal to, over the same `DATABASE_URL`.
        #[arg(long)]
        store: String,
        /// The book's slug.
        #[arg(long)]
        book: String,
    },
    /// Single durable commits a second of one connection, and what each takes in microseconds and microseconds of CPU:
    /// SQLite, WAL, `synchronous=FULL`, a row as large as an event.
    Commits {
        #[arg(long)]
        folder: PathBuf,
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Signed webhook deliveries a second that were answered 200, and the server's CPU for each.
    Deliver {
        #[arg(long)]
        url: String,
        #[arg(long)]
        secret: String,
        #[arg(long)]
        connections: usize,
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// The server's process.
        #[arg(long)]
        pid: u32,
    },
    /// Puts a free book of `--megabytes` into the store of `DATABASE_URL` and `--orders` orders of it, and writes
    /// what it takes to download them to `--out`. The store must be closed.
    Prepare {
        #[arg(long)]
        megabytes: usize,
        #[arg(long)]
        orders: usize,
        #[arg(long)]
        out: PathBuf,
    },
    /// Megabytes a second of whole downloads: of `--orders` through claims, or of one plain `--url`.
    Download {
        #[arg(long)]
        url: String,
        #[arg(long)]
        orders: Option<PathBuf>,
        #[arg(long)]
        connections: usize,
        #[arg(long, default_value_t = 8)]
        seconds: u64,
    },
    /// The server's memory while so many readers take a few KB a second each, above what it was before.
    SlowReaders {
        #[arg(long)]
        url: String,
        #[arg(long)]
        orders: PathBuf,
        #[arg(long, default_value_t = 256)]
        readers: usize,
        #[arg(long)]
        pid: u32,
    },
    /// The cursor of the catalogue's last page, newest first, of the store of `DATABASE_URL`.
    LastPage {
        #[arg(long)]
        currency: String,
    },
    /// The catalogue's 99th percentile in µs while others check out: at a good Stripe, then while a fifth of what is
    /// asked of the sandbox fails; and how many checkouts went through and failed then. In turns of `--seconds`.
    BadStripe {
        #[arg(long)]
        url: String,
        #[arg(long)]
        sandbox: String,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        #[arg(long, default_value_t = 5)]
        rounds: u32,
    },
    /// Pages a second that the server can make, requests a second of a crowd, how many of those were sent away, and the
    /// 99th percentile of webhook deliveries meanwhile in ms.
    Overload {
        #[arg(long)]
        url: String,
        #[arg(long)]
        secret: String,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// What the searches of the desk's orders cost in the store of `DATABASE_URL`, as a table.
    Desk {
        /// How often each is asked.
        #[arg(long, default_value_t = 20)]
        times: u32,
    },
    /// µs of CPU an invoice, invoices a second, and bytes of one.
    Invoices {
        /// With the EN 16931 data inside.
        #[arg(long)]
        xml: bool,
        #[arg(long, default_value_t = 2_000)]
        times: u32,
    },
    /// MB that making invoices takes: at most, and after the last.
    InvoiceMemory {
        #[arg(long, default_value_t = 10_000)]
        times: u32,
    },
    /// Milliseconds from the start of a program until `--url` answers 200.
    Start {
        #[arg(long)]
        url: String,
        command: Vec<String>,
    },
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build()?;
    match Cli::parse().command {
        Command::Yardstick { listen, store, book } => runtime.block_on(yardstick::serve(&listen, &store, &book)),
        Command::Commits { folder, seconds } => yardstick::commits(&folder, Duration::from_secs(seconds)),
        Command::Deliver { url, secret, connections, seconds, pid } => {
            runtime.block_on(deliver::run(&url, &secret, connections, Duration::from_secs(seconds), pid))
        }
        Command::Prepare { megabytes, orders, out } => runtime.block_on(download::prepare(megabytes, orders, &out)),
        Command::Download { url, orders, connections, seconds } => {
            let time = Duration::from_secs(seconds);
            runtime.block_on(download::run(&url, orders.as_deref(), connections, time))
        }
        Command::SlowReaders { url, orders, readers, pid } => {
            runtime.block_on(download::slow_readers(&url, &orders, readers, pid))
        }
        Command::LastPage { currency } => runtime.block_on(yardstick::last_page(&currency)),
        Command::BadStripe { url, sandbox, seconds, rounds } => {
            runtime.block_on(bad_stripe::run(&url, &sandbox, Duration::from_secs(seconds), rounds))
        }
        Command::Overload { url, secret, seconds } => {
            runtime.block_on(overload::run(&url, &secret, Duration::from_secs(seconds)))
        }
        Command::Desk { times } => runtime.block_on(desk::run(times)),
        Command::Invoices { xml, times } => invoices::speed(xml, times),
        Command::InvoiceMemory { times } => invoices::memory(times),
        Command::Start { url, command } => runtime.block_on(process::start(&url, &command)),
    }
}
