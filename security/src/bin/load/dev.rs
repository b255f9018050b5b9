//! The `cargo dev` that is under load: its addresses and its functions' memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use anteroom_local::workspace::Workspace;
use anteroom_security::binary;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::Failure;

/// The providers that `cargo dev` names, in the spelling of its output.
const PROVIDERS: [&str; 5] = ["Clerk", "Liveblocks", "LiveKit", "WorkOS", "EventBridge"];

/// A running `cargo dev`. It is killed when this is dropped.
pub(crate) struct Dev {
    /// The gateway's address.
    pub(crate) url: String,
    /// The stand-ins' addresses by provider.
    pub(crate) stand_ins: BTreeMap<&'static str, String>,
    process: Child,
}

/// The memory of a process.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// The function.
    pub(crate) function: String,
    /// The resident memory (`VmRSS`), in KiB.
    pub(crate) resident: u64,
}

impl Dev {
    /// Builds everything, and starts it on a free port.
    pub(crate) async fn start() -> Result<Self, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let names = binary::names().into_iter().chain(["dev".to_owned()]);
        let dev = Workspace::new(&root, names).executable("dev").await?;
        let mut process = Command::new(dev)
            .args(["--port", "0", "--no-build"])
            .current_dir(&root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or(Failure::NoAddress)?;
        let mut lines = BufReader::new(output).lines();
        let (mut url, mut stand_ins) = (None, BTreeMap::new());
        while let Some(line) = lines.next_line().await? {
            if let Some(address) = line.strip_prefix("Anteroom listens on ") {
                url = Some(address.to_owned());
            }
            if let Some((name, address)) = line.trim().split_once(" stand-in at ")
                && let Some(name) = PROVIDERS.iter().find(|known| **known == name.trim())
            {
                stand_ins.insert(*name, address.to_owned());
            }
            if line.starts_with("Press Ctrl-C") {
                break;
            }
        }
        // The pipe must stay open.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        if let Some(real) = PROVIDERS.iter().find(|name| !stand_ins.contains_key(**name)) {
            return Err(Failure::RealProvider(real));
        }
        Ok(Self { url: url.ok_or(Failure::NoAddress)?, stand_ins, process })
    }

    /// The address of a provider's stand-in.
    pub(crate) fn stand_in(&self, provider: &str) -> &str {
        self.stand_ins.get(provider).map_or("", String::as_str)
    }

    /// The memory of the functions' processes, by process id. Empty where there is no `/proc`.
    pub(crate) fn memory(&self) -> BTreeMap<u32, Memory> {
        let parent = self.process.id();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter_map(|id: u32| {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let field = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_whitespace().next()
            };
            if field("PPid:")?.parse().ok() != parent {
                return None;
            }
            let resident = field("VmRSS:")?.parse().ok()?;
            // The name in the status is cut off after fifteen letters.
            let command = fs::read_to_string(format!("/proc/{id}/cmdline")).ok()?;
            let path = command.split('\0').next()?;
            let function = Path::new(path).file_name()?.to_str()?.to_owned();
            Some((id, Memory { function, resident }))
        })
        .collect()
    }
}
