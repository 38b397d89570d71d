//! The store as a process of its own, on the database of a test's store, to be killed at will.

use super::{MAIL_FROM, OWNER, SECRET_KEY, Store, TEST_KEY, WEBHOOK_SECRET};
use shop::db::DatabaseUrl;
use shop::failpoint::Failpoint;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How a process ends that aborts itself.
const SIGABRT: i32 = 6;

/// A running `octavo`. Dropping it kills it.
pub struct Program {
    /// Without a trailing slash.
    pub url: String,
    child: Child,
}

impl Program {
    /// Starts `octavo serve`, told to die at a failpoint or not, and waits until it answers.
    pub async fn start(store: &Store, die_at: Option<Failpoint>) -> Self {
        Self::start_with(store, die_at, &[]).await
    }

    /// The same with more in its environment.
    pub async fn start_with(store: &Store, die_at: Option<Failpoint>, more: &[(&str, &str)]) -> Self {
        for _ in 0..5 {
            // Below the ports that outgoing connections take.
            let port = rand::random_range(15_000..32_000_u16);
            let mut program = Self::spawn(store, port, die_at, more);
            // Some failpoints come before the door is open.
            if program.answers(store).await || (die_at.is_some() && program.aborted()) {
                return program;
            }
        }
        panic!("octavo does not start: {}", log(store));
    }

    fn spawn(store: &Store, port: u16, die_at: Option<Failpoint>, more: &[(&str, &str)]) -> Self {
        let url = format!("http://127.0.0.1:{port}");
        let log = File::options().create(true).append(true).open(store.data.path().join("octavo.log")).unwrap();
        let mut command = store.command(&url);
        command.arg("serve").env("LISTEN_ADDR", format!("127.0.0.1:{port}")).stdout(Stdio::null()).stderr(log);
        command.envs(more.iter().copied());
        if let Some(point) = die_at {
            command.env("OCTAVO_ABORT_AT", point.name());
        }
        Self { url, child: command.spawn().unwrap() }
    }

    async fn answers(&mut self, store: &Store) -> bool {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline && self.ended().is_none() {
            if let Ok(answer) = store.http.get(format!("{}/readyz", self.url)).send().await
                && answer.status().is_success()
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn aborted(&mut self) -> bool {
        self.ended().and_then(|status| status.signal()) == Some(SIGABRT)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has died of its failpoint.
    pub async fn has_aborted(&mut self, store: &Store) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.ended() {
                assert_eq!(status.signal(), Some(SIGABRT), "it ended by {status}: {}", log(store));
                return;
            }
            assert!(Instant::now() < deadline, "it never came by its failpoint");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Store {
    /// `octavo` with this store's settings and nothing else.
    fn command(&self, url: &str) -> Command {
        let database = match self.database_url() {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(address) => address.clone(),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_octavo"));
        command
            .current_dir(self.data.path())
            .env_clear()
            .env("DATABASE_URL", database)
            .env("DATA_DIR", self.data.path())
            .env("BASE_URL", url)
            .env("SECRET_KEY", SECRET_KEY)
            .env("STRIPE_SECRET_KEY", TEST_KEY)
            .env("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .env("STRIPE_API_BASE", self.sandbox.url())
            .env("LEPTOS_OUTPUT_NAME", "octavo")
            .env("RUST_LOG", "warn");
        if let Some(sink) = &self.sink {
            command.env("SMTP_URL", sink.url("")).env("MAIL_FROM", MAIL_FROM).env("OWNER_EMAIL", OWNER);
            if let Some((_, file)) = sink.authority() {
                command.env("SMTP_CA_FILE", file);
            }
        }
        command.envs(self.s3.iter().flat_map(super::S3Server::settings));
        command
    }

    /// Runs a command of the program that dies of a failpoint on its way.
    pub async fn octavo_aborts(&self, arguments: &[&str], point: Failpoint) {
        let mut command = self.command(&self.url);
        command.args(arguments).env("OCTAVO_ABORT_AT", point.name());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(SIGABRT), "{arguments:?} did not die at {point:?}: {said}");
    }

    /// Runs a command of the program to its end: its exit code, and what it printed.
    pub async fn octavo(&self, arguments: &[&str]) -> (i32, String) {
        self.octavo_with(&[], arguments).await
    }

    /// The same, with more settings.
    pub async fn octavo_with(&self, settings: &[(&str, String)], arguments: &[&str]) -> (i32, String) {
        let mut command = self.command(&self.url);
        command.args(arguments).envs(settings.iter().map(|(name, value)| (*name, value)));
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap_or_else(|| panic!("{arguments:?} ended by {}: {said}", output.status)), said)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the programs of a store have logged.
pub fn log(store: &Store) -> String {
    std::fs::read_to_string(store.data.path().join("octavo.log")).unwrap_or_default()
}
