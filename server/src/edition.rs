//! `octavo edition`: new editions of books that are sold already.

use crate::{build_shop, offline_shop};
use anyhow::Context as _;
use clap::Subcommand;
use octavo::config::{Config, Env};
use shop::audit::Actor;
use shop::editions::{Announced, NewEdition};
use shop::types::Slug;
use std::path::{Path, PathBuf};

/// What `octavo edition` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Adds an edition to a book: everybody who has bought the title can fetch it at once. Nobody is told.
    Add {
        /// The book's address, like moby-dick.
        slug: Slug,
        /// What it is called, like "Second edition".
        #[arg(long)]
        label: String,
        /// A text file that says what is new, Markdown.
        #[arg(long, value_name = "FILE")]
        changelog: Option<PathBuf>,
        /// An EPUB, a PDF, an MP3, an M4B or a ZIP archive; may be given once for each.
        #[arg(long = "file", value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
    },
    /// Queues one mail about a book's newest edition to every buyer, except those who have been told before, were
    /// refunded, wait for a dispute, or whose mail bounces.
    Announce {
        /// The book's address, like moby-dick.
        slug: Slug,
    },
}

/// Does it.
pub(crate) async fn run(command: Command, env: &Env<'_>, store_file: &Path) -> anyhow::Result<()> {
    match command {
        Command::Add { slug, label, changelog, files } => {
            let changelog = match changelog {
                Some(path) => {
                    std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?
                }
                None => String::new(),
            };
            let added = offline_shop(env)
                .await?
                .add_edition(&Actor::Command, &slug, &NewEdition { label, changelog, files })
                .await?;
            for (name, bytes, sha256) in &added.files {
                println!("{name}  {bytes} bytes  {sha256}");
            }
            println!("edition {} of {slug} is there; {} rights to it", added.ordinal, added.entitled);
        }
        Command::Announce { slug } => {
            let shop = build_shop(Config::read(env, store_file)?).await?;
            let Announced { label, queued, told, left_out } = shop
                .announce_edition(&Actor::Command, &slug)
                .await
                .with_context(|| format!("nothing was announced of {slug}"))?;
            println!("{label} of {slug}: {queued} mails queued, {told} buyers told before, {left_out} left out");
        }
    }
    Ok(())
}
