//! What the system says of a process, and how long one takes to be there.

use anyhow::{Context as _, Result, bail};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// CPU time of the process so far, user and system.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold anything; after it come the fields from the third on.
    let fields: Vec<&str> = stat.rsplit_once(')').context("/proc/PID/stat")?.1.split_whitespace().collect();
    let ticks: u64 =
        [11, 12].iter().map(|i| fields.get(*i).and_then(|field| field.parse().ok()).unwrap_or(0_u64)).sum();
    // Linux reports in hundredths of a second, whatever its timer does.
    Ok(Duration::from_millis(ticks * 10))
}

/// Resident memory of the process in KiB, now.
pub(crate) fn memory(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("VmRSS")?.parse()?)
}

/// Starts a program, prints the milliseconds until `url` answers 200, and ends it.
pub(crate) async fn start(url: &str, command: &[String]) -> Result<()> {
    let (program, arguments) = command.split_first().context("no program")?;
    let client = reqwest::Client::builder().connect_timeout(Duration::from_millis(200)).build()?;
    let began = Instant::now();
    let mut child =
        std::process::Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let ready = loop {
        match client.get(url).send().await {
            Ok(answer) if answer.status().is_success() => break answer.bytes().await.map(|_| began.elapsed()),
            _ if began.elapsed() > Duration::from_secs(10) => {
                let _ = child.kill();
                bail!("it did not start");
            }
            _ => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    child.kill()?;
    child.wait()?;
    println!("{}", ready?.as_millis());
    Ok(())
}
