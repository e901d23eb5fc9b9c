//! The end of a log file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The last lines of the file, from the byte `since` on; empty if it cannot be read.
pub(crate) fn tail(path: &Path, since: u64) -> String {
    read(path, since).unwrap_or_default()
}

fn read(path: &Path, since: u64) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(
        since.max(length.saturating_sub(MOST_BYTES)),
    ))?;
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(MOST_LINES)..].join("\n"))
}

const MOST_BYTES: u64 = 16 * 1024;
const MOST_LINES: usize = 30;
