//! The size of what is deployed.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::Failure;

/// The size of a file, deflated at the highest level, in bytes.
pub(crate) fn zipped_bytes(file: &Path) -> Result<u64, Failure> {
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
    deflated.write_all(&fs::read(file)?)?;
    Ok(deflated.finish()?.len().try_into()?)
}

/// The same in MiB.
#[expect(clippy::cast_precision_loss, reason = "programs are far smaller than 2^52 bytes")]
pub(crate) fn zipped_mib(file: &Path) -> Result<f64, Failure> {
    Ok(zipped_bytes(file)? as f64 / 1024.0 / 1024.0)
}
