//! `octavo files`: where the store's files are, and moving them.

use crate::offline_shop;
use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use octavo::config::{Env, Storage};
use shop::files::{Files, Moving, Place, Step, Unusable};
use std::time::{Duration, Instant};

/// What `octavo files` does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Copies all files to the other place, reads each back and compares its SHA-256.
    ///
    /// The bucket is the one of the `S3_*` settings, the folder is `files` in `DATA_DIR`. The store may be open: run it
    /// once more after the store was restarted with the new settings, for what was added meanwhile. A move that was
    /// interrupted goes on where it was.
    #[command(verbatim_doc_comment)]
    Move {
        /// Where to.
        #[arg(long, value_enum)]
        to: To,
        /// Once every file is there and right, takes them away from where they were.
        #[arg(long)]
        delete: bool,
    },
}

/// A place for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum To {
    /// The bucket.
    S3,
    /// The folder.
    Folder,
}

/// Does it.
pub(crate) async fn run(command: &Command, env: &Env<'_>) -> anyhow::Result<()> {
    let Command::Move { to, delete } = *command;
    let storage = Storage::read(env)?;
    if matches!(storage.files, Place::Folder(_)) {
        bail!("S3_BUCKET is not set: which bucket?");
    }
    let (folder, bucket) = (Files::open(&storage.folder())?, Files::open(&storage.files)?);
    bucket.check().await.with_context(|| format!("the bucket {:?} cannot be used", storage.files))?;
    let (from, to) = if to == To::S3 { (&folder, &bucket) } else { (&bucket, &folder) };
    let mut last = Instant::now();
    let moved = offline_shop(env)
        .await?
        .move_files(from, to, delete, |moving| {
            if last.elapsed() >= Duration::from_secs(2) || moving.done == moving.of {
                last = Instant::now();
                eprintln!("{}", line(&moving));
            }
        })
        .await?;
    println!("{} files are there and right, {} of them copied now ({} bytes)", moved.files, moved.copied, moved.bytes);
    if delete {
        println!("{} files taken away from where they were", moved.deleted);
    }
    Ok(())
}

/// "copied and compared: 120 of 3000, 45 MB".
fn line(moving: &Moving) -> String {
    let Moving { step, done, of, bytes } = *moving;
    match step {
        Step::Copying => format!("copied and compared: {done} of {of}, {} MB", bytes / 1_000_000),
        Step::Deleting => format!("deleted: {done} of {of}"),
    }
}

/// Before the store opens: a bucket that is not there, or does not know us, is a wrong setting. One that does not answer
/// may do so later, and the rest of the store is open meanwhile.
pub(crate) async fn check(files: &Files, place: &Place) -> anyhow::Result<()> {
    match files.check().await {
        Ok(()) => {}
        Err(Unusable::Refused(error)) => bail!("S3_BUCKET, {place:?}: {error}"),
        Err(Unusable::Away(error)) => tracing::error!(?place, %error, "the files cannot be reached"),
    }
    Ok(())
}
