//! Undoing a body's compression, within a limit that a bomb cannot pass.

use std::io::{self, BufRead, Read};

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::web::Bytes;
use flate2::bufread::MultiGzDecoder;
use service_kit::ApiError;

use crate::body::{self, Body};

/// How a body is compressed. Exactly one encoding is undone: a bomb within a bomb is refused by its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
    /// The block format, which is all that protocols use of it.
    Snappy,
}

/// A zstd frame may ask for this much memory: 8 MiB, what RFC 8878 (section 3.1.1.1.2) has every decoder support. The
/// command line's levels up to 19 stay within it.
const ZSTD_WINDOW_LOG: u32 = 23;
/// What is decompressed at a time.
const CHUNK: usize = 64 * 1024;

impl Encoding {
    pub(crate) fn of(req: &HttpRequest) -> Result<Self, ApiError> {
        let mut values = req.headers().get_all(CONTENT_ENCODING);
        let (first, second) = (values.next(), values.next());
        let text = first.map_or(Ok(""), |value| value.to_str()).unwrap_or("?");
        match (text.trim().to_ascii_lowercase().as_str(), second) {
            ("" | "identity", None) => Ok(Self::Identity),
            ("gzip" | "x-gzip", None) => Ok(Self::Gzip),
            ("zstd", None) => Ok(Self::Zstd),
            _ => Err(ApiError::UnsupportedMediaType(
                "Content-Encoding must be gzip, zstd, or absent, and just one of them".to_owned(),
            )),
        }
    }

    /// The body as it was before compression, at most `max_bytes` of it. What it takes in memory is added to what the body
    /// holds, as it grows.
    pub(crate) fn decode(self, body: Body, max_bytes: usize) -> Result<Body, ApiError> {
        let Body { bytes, mut held } = body;
        let compressed = io::Cursor::new(bytes.clone());
        let decoded = match self {
            Self::Identity if bytes.len() > max_bytes => return Err(too_long(max_bytes)),
            Self::Identity => return Ok(Body { bytes, held }),
            Self::Gzip => unpack(&mut MultiGzDecoder::new(compressed), max_bytes, |more| {
                held.grow(more)
            }),
            Self::Zstd => unzstd(compressed)
                .and_then(|mut decoder| unpack(&mut decoder, max_bytes, |more| held.grow(more))),
            Self::Snappy => unsnap(&bytes, max_bytes, |more| held.grow(more)),
        };
        let bytes = decoded.map_err(|problem| match problem {
            Problem::TooLong => too_long(max_bytes),
            Problem::NoRoom => body::busy(),
            Problem::Damaged(error) => self.damaged(&error),
        })?;
        Ok(Body { bytes, held })
    }

    fn damaged(self, error: &io::Error) -> ApiError {
        let name = match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Snappy => "snappy (block format)",
        };
        ApiError::invalid(
            "",
            format!(
                "the body is not complete and valid {name}: {error}; check Content-Encoding and send it again"
            ),
        )
    }
}

enum Problem {
    TooLong,
    NoRoom,
    Damaged(io::Error),
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::Damaged(error)
    }
}

fn unzstd(compressed: impl BufRead) -> Result<impl Read, Problem> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(compressed)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

/// The length is announced, and checked before memory is taken.
fn unsnap(
    compressed: &[u8],
    max_bytes: usize,
    mut room: impl FnMut(usize) -> bool,
) -> Result<Bytes, Problem> {
    let damaged = |error: snap::Error| Problem::Damaged(io::Error::other(error));
    let length = snap::raw::decompress_len(compressed).map_err(damaged)?;
    if length > max_bytes {
        return Err(Problem::TooLong);
    }
    if !room(length) {
        return Err(Problem::NoRoom);
    }
    let decoded = snap::raw::Decoder::new().decompress_vec(compressed);
    Ok(decoded.map_err(damaged)?.into())
}

/// Reads to the end. Room is asked for before memory is taken, and memory never exceeds the limit.
fn unpack(
    decoder: &mut impl Read,
    max_bytes: usize,
    mut room: impl FnMut(usize) -> bool,
) -> Result<Bytes, Problem> {
    let mut decoded: Vec<u8> = Vec::new();
    loop {
        if decoded.len() == decoded.capacity() {
            if decoded.len() >= max_bytes {
                return if at_end(decoder)? {
                    Ok(decoded.into())
                } else {
                    Err(Problem::TooLong)
                };
            }
            let more = decoded.capacity().max(CHUNK).min(max_bytes - decoded.len());
            if !room(more) {
                return Err(Problem::NoRoom);
            }
            decoded.reserve_exact(more);
        }
        let free = decoded.capacity() - decoded.len();
        if decoder.by_ref().take(free as u64).read_to_end(&mut decoded)? < free {
            return Ok(decoded.into());
        }
    }
}

fn at_end(decoder: &mut impl Read) -> io::Result<bool> {
    Ok(decoder.read(&mut [0])? == 0)
}

fn too_long(max_bytes: usize) -> ApiError {
    ApiError::PayloadTooLarge(format!(
        "the body is longer than {max_bytes} bytes after decompression; send fewer lines a request"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use actix_web::ResponseError as _;
    use actix_web::test::TestRequest;
    use domain::ids::OrgId;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use logstore::budget::Budget;
    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 3).unwrap()
    }

    fn snappy(bytes: &[u8]) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(bytes).unwrap()
    }

    /// The decoded body and what it held, or the status of the refusal.
    fn decode(
        encoding: Encoding,
        sent: &[u8],
        max_bytes: usize,
        room: usize,
    ) -> Result<(Vec<u8>, usize), u16> {
        let budget = Budget::new(room);
        let held = budget.reserve(OrgId::generate(), sent.len()).unwrap();
        let body = Body {
            bytes: sent.to_vec().into(),
            held,
        };
        let decoded = encoding.decode(body, max_bytes);
        decoded
            .map(|body| (body.bytes.to_vec(), body.held.amount()))
            .map_err(|error| error.status_code().as_u16())
    }

    const ROOM: usize = 1 << 30;

    #[rstest::rstest]
    #[case(&[], Ok(Encoding::Identity))]
    #[case(&["identity"], Ok(Encoding::Identity))]
    #[case(&["GZip"], Ok(Encoding::Gzip))]
    #[case(&["zstd"], Ok(Encoding::Zstd))]
    #[case(&["br"], Err(415))]
    #[case(&["gzip, gzip"], Err(415))]
    #[case(&["gzip", "zstd"], Err(415))]
    fn one_encoding_is_known_by_its_name(#[case] values: &[&str], #[case] expected: Result<Encoding, u16>) {
        let mut request = TestRequest::default();
        for value in values {
            request = request.append_header((CONTENT_ENCODING, *value));
        }
        let found = Encoding::of(&request.to_http_request());
        assert_eq!(found.map_err(|error| error.status_code().as_u16()), expected);
    }

    #[test]
    fn several_members_are_one_body() {
        let both = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(decode(Encoding::Gzip, &both, 100, ROOM).unwrap().0, b"one two");
        let both = [zstd(b"one "), zstd(b"two")].concat();
        assert_eq!(decode(Encoding::Zstd, &both, 100, ROOM).unwrap().0, b"one two");
    }

    #[rstest::rstest]
    #[case(Encoding::Gzip, gzip(&vec![b'a'; 100_000]))]
    #[case(Encoding::Zstd, zstd(&vec![b'a'; 100_000]))]
    #[case(Encoding::Snappy, snappy(&vec![b'a'; 100_000]))]
    fn the_limit_is_exact_and_memory_stays_below_it(#[case] encoding: Encoding, #[case] sent: Vec<u8>) {
        let (decoded, held) = decode(encoding, &sent, 100_000, ROOM).unwrap();
        assert_eq!((decoded.len(), held), (100_000, 100_000 + sent.len()));
        assert_eq!(decode(encoding, &sent, 99_999, ROOM), Err(413));
        assert_eq!(decode(encoding, &sent, 100_000, 99_999), Err(503));
    }

    #[test]
    fn a_body_that_is_not_compressed_has_the_same_limit() {
        assert_eq!(decode(Encoding::Identity, b"12345", 5, ROOM).unwrap().0, b"12345");
        assert_eq!(decode(Encoding::Identity, b"123456", 5, ROOM), Err(413));
    }

    #[rstest::rstest]
    #[case(Encoding::Gzip, gzip(b"the quick brown fox"))]
    #[case(Encoding::Zstd, zstd(b"the quick brown fox"))]
    #[case(Encoding::Snappy, snappy(b"the quick brown fox"))]
    fn a_truncated_or_empty_body_is_refused(#[case] encoding: Encoding, #[case] sent: Vec<u8>) {
        for length in 1..sent.len() {
            assert_eq!(decode(encoding, &sent[..length], 100, ROOM), Err(400), "{length}");
        }
    }

    #[test]
    fn a_frame_that_wants_too_much_memory_is_refused() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(b"small").unwrap();
        let sent = encoder.finish().unwrap();
        assert_eq!(decode(Encoding::Zstd, &sent, 100, ROOM), Err(400));
    }

    #[test]
    fn a_length_that_is_only_announced_takes_no_memory() {
        let four_gib = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00];
        assert_eq!(decode(Encoding::Snappy, &four_gib, 100, ROOM), Err(413));
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), gzipped in any::<bool>()) {
            let encoding = if gzipped { Encoding::Gzip } else { Encoding::Zstd };
            let _ = decode(encoding, &bytes, 1_000, ROOM);
            let _ = decode(Encoding::Snappy, &bytes, 1_000, ROOM);
            let start = if gzipped { gzip(b"x") } else { zstd(b"x") };
            let _ = decode(encoding, &[&start[..6], &bytes].concat(), 1_000, ROOM);
        }
    }
}
