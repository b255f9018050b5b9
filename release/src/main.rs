//! Zips a function's binary for Lambda. `release/build` calls it for every function.
//!
//! The same binary makes the same bytes on every machine: the archive holds nothing of the machine, and
//! `Cargo.lock` pins the code that compresses. With `zip` and with Python, the bytes depend on the
//! version of zlib that is installed.

use std::error::Error;
use std::io::{Cursor, Write as _};
use std::{env, fs};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [binary, archive] = arguments.as_slice() else {
        return Err("usage: release <binary> <archive>".into());
    };
    fs::write(archive, zipped(&fs::read(binary)?)?)?;
    Ok(())
}

/// An archive with the binary as `bootstrap`, the name that Lambda's `provided` runtimes start.
fn zipped(binary: &[u8]) -> ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        // 1980-01-01, the first date that the format can hold.
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("bootstrap", options)?;
    archive.write_all(binary)?;
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;

    const BINARY: &[u8] = b"\x7fELF and so on, and so on, and so on";

    #[test]
    fn holds_the_binary_alone_as_an_executable_bootstrap() {
        let mut archive = ZipArchive::new(Cursor::new(zipped(BINARY).unwrap())).unwrap();
        assert_eq!(archive.len(), 1);
        let mut entry = archive.by_index(0).unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, BINARY);
        assert_eq!(entry.name().unwrap(), "bootstrap");
        assert_eq!(entry.unix_mode(), Some(0o100_755));
    }

    #[test]
    fn holds_no_time_and_nothing_else_of_the_machine() {
        let mut archive = ZipArchive::new(Cursor::new(zipped(BINARY).unwrap())).unwrap();
        assert!(archive.comment().is_empty());
        let entry = archive.by_index(0).unwrap();
        assert_eq!(entry.last_modified(), Some(DateTime::default()));
        assert_eq!(entry.extra_data().unwrap_or_default(), b"");
        assert_eq!(entry.comment(), "");
    }
}
