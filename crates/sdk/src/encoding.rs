//! The body of a request: NDJSON, compressed or not.

#[cfg(feature = "gzip")]
use std::io::Write as _;

use bytes::Bytes;

use crate::batch::Line;

/// How bodies are compressed. The default is zstd if the crate has it, else gzip if it has that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    #[cfg_attr(not(any(feature = "zstd", feature = "gzip")), default)]
    None,
    /// Needs the feature `gzip`.
    #[cfg(feature = "gzip")]
    #[cfg_attr(not(feature = "zstd"), default)]
    Gzip,
    /// Needs the feature `zstd`.
    #[cfg(feature = "zstd")]
    #[default]
    Zstd,
}

/// A body, and its `Content-Encoding`.
#[derive(Clone)]
pub(crate) struct Encoded {
    pub(crate) encoding: Option<&'static str>,
    pub(crate) bytes: Bytes,
}

/// The lines as one body. Should compression fail, they go as they are.
pub(crate) fn encode(lines: &[Line], compression: Compression) -> Encoded {
    let mut plain = Vec::with_capacity(lines.iter().map(|line| line.json.len() + 1).sum());
    for line in lines {
        plain.extend_from_slice(line.json.as_bytes());
        plain.push(b'\n');
    }
    let compressed: Option<(_, Vec<u8>)> = match compression {
        Compression::None => None,
        #[cfg(feature = "gzip")]
        Compression::Gzip => gzip(&plain).map(|bytes| ("gzip", bytes)),
        #[cfg(feature = "zstd")]
        Compression::Zstd => zstd::bulk::compress(&plain, 1).ok().map(|bytes| ("zstd", bytes)),
    };
    match compressed {
        Some((encoding, bytes)) => Encoded {
            encoding: Some(encoding),
            bytes: bytes.into(),
        },
        None => Encoded {
            encoding: None,
            bytes: plain.into(),
        },
    }
}

#[cfg(feature = "gzip")]
fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}
